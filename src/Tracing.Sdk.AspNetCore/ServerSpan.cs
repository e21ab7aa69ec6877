using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Tracing.Sdk.Http;
using HttpMethods = Tracing.Sdk.Http.HttpMethods;

namespace Tracing.Sdk.AspNetCore;

/// <summary>
/// The name, the attributes and the status of a server span, spelled as in the stable HTTP conventions.
/// <see href="https://opentelemetry.io/docs/specs/semconv/http/http-spans/"/>
/// </summary>
internal static class ServerSpan
{
    private const int ClientClosedRequest = 499;

    public static void Complete(Activity activity, HttpContext context, IPAddress? peer, int peerPort, Exception? exception)
    {
        var request = context.Request;
        var handled = context.Features.Get<IExceptionHandlerFeature>();
        var method = HttpMethods.NameOf(request.Method);
        var route = RouteOf(context, handled);
        var word = method == HttpMethods.Other ? "HTTP" : method;
        activity.DisplayName = route is null ? word : $"{word} {route}";

        activity.SetTag("http.request.method", method);
        if (method == HttpMethods.Other) activity.SetTag("http.request.method_original", request.Method);
        activity.SetTag("url.scheme", request.Scheme);
        var path = (request.PathBase + request.Path).Value;
        activity.SetTag("url.path", string.IsNullOrEmpty(path) ? "/" : path);
        if (request.QueryString.Value is { Length: > 1 } query) activity.SetTag("url.query", UrlRedaction.Query(query.AsSpan(1)));
        if (request.Host is { HasValue: true } host)
        {
            activity.SetTag("server.address", host.Host.Trim('[', ']'));
            activity.SetTag("server.port", host.Port ?? (request.IsHttps ? 443 : 80));
        }

        if (context.Connection.RemoteIpAddress is { } client) activity.SetTag("client.address", TextOf(client));
        if (peer is not null)
        {
            activity.SetTag("network.peer.address", TextOf(peer));
            if (peerPort > 0) activity.SetTag("network.peer.port", peerPort);
        }

        activity.SetTag("network.protocol.version", VersionOf(request.Protocol));
        if (request.Headers.UserAgent is [{ Length: > 0 } agent, ..]) activity.SetTag("user_agent.original", agent);
        if (route is not null) activity.SetTag("http.route", route);
        if (int.TryParse(request.Headers["x-envoy-attempt-count"], NumberStyles.None, CultureInfo.InvariantCulture, out var attempt))
        {
            activity.SetTag("envoy.attempt_count", attempt);
        }

        CompleteOutcome(activity, context, handled, exception);
    }

    private static void CompleteOutcome(Activity activity, HttpContext context, IExceptionHandlerFeature? handled, Exception? exception)
    {
        // The client hung up: nobody failed.
        if (context.RequestAborted.IsCancellationRequested && exception is null or OperationCanceledException)
        {
            if (context.Response.HasStarted) activity.SetTag("http.response.status_code", ClientSpan.Box(context.Response.StatusCode));
            return;
        }

        // The server answers an unhandled exception after we are gone.
        var code = exception is null || context.Response.HasStarted ? context.Response.StatusCode
            : exception is BadHttpRequestException bad ? bad.StatusCode
            : StatusCodes.Status500InternalServerError;
        activity.SetTag("http.response.status_code", ClientSpan.Box(code));

        var cause = exception ?? handled?.Error;
        if (code < 500 && (exception is null or BadHttpRequestException) || code == ClientClosedRequest) return;
        activity.SetTag("error.type", cause?.GetType().FullName ?? code.ToString(CultureInfo.InvariantCulture));
        activity.SetStatus(ActivityStatusCode.Error, cause?.Message);
        if (cause is not null) activity.AddException(cause);
    }

    // Error handlers run the pipeline again, or clear the endpoint: the one that was asked for is in their feature.
    private static string? RouteOf(HttpContext context, IExceptionHandlerFeature? handled)
    {
        var endpoint = handled?.Endpoint ?? context.Features.Get<IStatusCodeReExecuteFeature>()?.Endpoint ?? context.GetEndpoint();
        var route = endpoint?.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route ?? (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        if (route is null) return null;
        if (!route.StartsWith('/')) route = "/" + route;
        return context.Request.PathBase.HasValue ? context.Request.PathBase + route : route;
    }

    private static string TextOf(IPAddress address) => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();

    private static string VersionOf(string protocol) => protocol switch
    {
        "HTTP/1.1" => "1.1",
        "HTTP/2" => "2",
        "HTTP/3" => "3",
        "HTTP/1.0" => "1.0",
        _ => protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? protocol[5..] : protocol,
    };
}
