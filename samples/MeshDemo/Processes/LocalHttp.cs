namespace MeshDemo.Processes;

/// <summary>The demo's own HTTP: it is no part of the trace, and no proxy of the user's environment stands between.</summary>
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
