using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>
/// The attributes of a client span, spelled as in the stable HTTP conventions.
/// <see href="https://opentelemetry.io/docs/specs/semconv/http/http-spans/"/>
/// </summary>
internal static class ClientSpan
{
    /// <summary>Adds what the platform's own span lacks.</summary>
    public static void Complete(Activity activity, HttpRequestMessage request, UrlRedaction urls, int attempt)
    {
        if (request.RequestUri is { IsAbsoluteUri: true } uri && !urls.IsAsPlatform(uri)) activity.SetTag("url.full", urls.ShowUrl(uri));
        if (attempt > 0) activity.SetTag("http.request.resend_count", attempt);
    }

    public static void Begin(Activity activity, HttpRequestMessage request, UrlRedaction urls)
    {
        var method = HttpMethods.NameOf(request.Method.Method);
        activity.DisplayName = method == HttpMethods.Other ? "HTTP" : method;
        activity.SetTag("http.request.method", method);
        if (method == HttpMethods.Other) activity.SetTag("http.request.method_original", request.Method.Method);
        if (request.RequestUri is not { IsAbsoluteUri: true } uri) return;
        // A transport of the application may support schemes without a host.
        if (HostOf(uri) is { Length: > 0 } host) activity.SetTag("server.address", host);
        if (uri.Port >= 0) activity.SetTag("server.port", Boxes.Get(uri.Port));
        activity.SetTag("url.full", urls.ShowUrl(uri));
    }

    public static void End(Activity activity, HttpResponseMessage? response)
    {
        if (response is null)
        {
            // A handler has broken its contract; HttpClient throws for it.
            activity.SetTag("error.type", "_OTHER");
            activity.SetStatus(ActivityStatusCode.Error);
            return;
        }

        var code = (int)response.StatusCode;
        activity.SetTag("http.response.status_code", Boxes.Get(code));
        activity.SetTag("network.protocol.version", HttpMethods.VersionOf(response.Version));
        if (code < 400) return;
        activity.SetTag("error.type", code.ToString(CultureInfo.InvariantCulture));
        activity.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>Like the platform's span: any exception is an error, without a description. So is a cancellation, because HttpClient cancels the same token for its own
    /// timeout and for the caller, and a handler cannot distinguish them.</summary>
    public static void Fail(Activity activity, Exception exception)
    {
        activity.SetTag("error.type", exception is HttpRequestException { HttpRequestError: not HttpRequestError.Unknown and var error }
            ? NameOf(error)
            : exception.GetType().FullName);
        activity.SetStatus(ActivityStatusCode.Error);
        RecordedExceptions.Record(activity, exception);
    }

    private static string HostOf(Uri uri)
    {
        try
        {
            return uri.IdnHost;
        }
        catch (UriFormatException)
        {
            // The host has no encoded form; the transport decides whether it can be reached.
            return uri.Host;
        }
    }

    private static string NameOf(HttpRequestError error) => error switch
    {
        HttpRequestError.NameResolutionError => "name_resolution_error",
        HttpRequestError.ConnectionError => "connection_error",
        HttpRequestError.SecureConnectionError => "secure_connection_error",
        HttpRequestError.HttpProtocolError => "http_protocol_error",
        HttpRequestError.ExtendedConnectNotSupported => "extended_connect_not_supported",
        HttpRequestError.VersionNegotiationError => "version_negotiation_error",
        HttpRequestError.UserAuthenticationError => "user_authentication_error",
        HttpRequestError.ProxyTunnelError => "proxy_tunnel_error",
        HttpRequestError.InvalidResponse => "invalid_response",
        HttpRequestError.ResponseEnded => "response_ended",
        HttpRequestError.ConfigurationLimitExceeded => "configuration_limit_exceeded",
        _ => "_OTHER",
    };
}
