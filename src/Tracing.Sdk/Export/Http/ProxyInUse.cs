using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export.Http;

/// <summary>The platform's proxy for an endpoint.</summary>
/// <param name="Name">The proxy's URL as log lines show it.</param>
/// <param name="Setting">What has set the proxy.</param>
internal sealed record ProxyInUse(string Name, string Setting)
{
    /// <summary>Returns the proxy, or null when the endpoint is connected to directly. https://learn.microsoft.com/dotnet/api/system.net.http.httpclient.defaultproxy</summary>
    public static ProxyInUse? Find(Uri endpoint)
    {
        Uri? uri;
        try
        {
            var proxy = HttpClient.DefaultProxy;
            uri = proxy.IsBypassed(endpoint) ? null : proxy.GetProxy(endpoint);
        }
        catch (Exception)
        {
            // The application may have set a proxy of its own, which may throw.
            return null;
        }

        if (uri is null || uri == endpoint) return null;
        var scheme = endpoint.Scheme;
        var variable = Array.Find(
            [$"{scheme}_proxy", $"{scheme.ToUpperInvariant()}_PROXY", "all_proxy", "ALL_PROXY"],
            name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));
        return new(LogText.Url(uri).TrimEnd('/'), variable ?? "HttpClient.DefaultProxy");
    }
}
