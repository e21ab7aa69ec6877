namespace MeshDemo.Processes;

/// <summary>Clients for the demo's own requests, which are not part of a trace and use no proxy of the environment.</summary>
internal static class LocalHttp
{
    public static HttpClient CreateClient() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    })
    {
        Timeout = TimeSpan.FromSeconds(30),
    };
}
