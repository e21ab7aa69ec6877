using System.Net.Sockets;
using System.Security.Authentication;

namespace Tracing.Sdk.Export;

/// <summary>Says what went wrong with an export and what helps, in the words of the person who has to mend it.</summary>
internal static class FailureCause
{
    public static bool IsConnecting(HttpRequestException e) =>
        e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;

    public static bool IsHtml(ReadOnlySpan<byte> body)
    {
        var text = body.TrimStart(" \t\r\n"u8);
        return text.Length > 0 && text[0] == (byte)'<';
    }

    public static string Silence(ExporterSettings settings) =>
        $"{settings.Endpoint} did not answer in time. Is it a collector? If it is only slow, raise {TimeoutSetting(settings)}.";

    public static string HugeReply(ExporterSettings settings) =>
        $"{settings.Endpoint} answered with more than 4 MiB, which no collector does. Check the endpoint.";

    public static string Html(int status, ExporterSettings settings) =>
        $"{settings.Endpoint} answered {status} with a web page: this is not a collector, or something in front of it answers. "
        + $"Check {EndpointSetting(settings)}.";

    public static string? Partial(CollectorReply reply) => reply switch
    {
        { Rejected: > 0 } => $"The collector did not take {reply.Rejected} spans: {reply.Message ?? "it did not say why"}.",
        { Message: { } message } => $"The collector warns: {message}.",
        _ => null,
    };

    public static string Of(Exception e, ExporterSettings settings)
    {
        var endpoint = settings.Endpoint;
        var inner = e;
        while (inner is not (SocketException or AuthenticationException) && inner.InnerException is { } next) inner = next;

        return (e as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError =>
                $"The host name in {endpoint} is not known. Check {EndpointSetting(settings)}.",
            HttpRequestError.SecureConnectionError =>
                $"No secure connection to {endpoint}: {inner.Message} {TlsHint(inner, settings)}",
            HttpRequestError.ConnectionError when inner is SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
                $"Nothing answers at {endpoint}. Start a collector there, set {EndpointSetting(settings)}, or OTEL_TRACES_EXPORTER=none.",
            HttpRequestError.ConnectionError =>
                $"No connection to {endpoint}: {inner.Message}. Check {EndpointSetting(settings)} and what lies between.",
            HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError =>
                $"{endpoint} did not answer in HTTP: {inner.Message} {PortHint(settings)}",
            _ => $"The export to {endpoint} failed: {inner.Message}",
        };
    }

    public static string OfStatus(HttpResponseMessage response, string? message, bool isHtml, ExporterSettings settings)
    {
        var status = (int)response.StatusCode;
        var endpoint = settings.Endpoint;
        var said = isHtml ? " with a web page" : message is null ? "" : $": {message}";
        var hint = status switch
        {
            401 or 403 => settings.Kind == ExporterKind.Zipkin
                ? "Check the headers."
                : "Check OTEL_EXPORTER_OTLP_HEADERS.",
            404 or 405 => PathHint(settings),
            413 => "Its limit is lower than a batch: lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE.",
            415 => settings.Kind == ExporterKind.Zipkin
                ? "Does a Zipkin server listen there?"
                : "Try the other OTEL_EXPORTER_OTLP_PROTOCOL: http/protobuf or http/json.",
            >= 300 and < 400 => $"Redirects are not followed. Set {EndpointSetting(settings)} to "
                + $"{(response.Headers.Location is { } location ? location.ToString() : "where it points")}.",
            429 or 502 or 503 or 504 => "Tried again until the time was up.",
            _ when isHtml => $"This is not a collector, or something in front of it answers. Check {EndpointSetting(settings)}.",
            _ => PortHint(settings),
        };
        return $"{endpoint} answered {status}{said}. {hint}".TrimEnd();
    }

    private static string PathHint(ExporterSettings settings) => settings.Kind == ExporterKind.Zipkin
        ? "A Zipkin server takes spans at /api/v2/spans: check OTEL_EXPORTER_ZIPKIN_ENDPOINT."
        : "OTLP/HTTP has the path /v1/traces: OTEL_EXPORTER_OTLP_ENDPOINT gets it appended, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is.";

    private static string PortHint(ExporterSettings settings) => settings.Kind == ExporterKind.Otlp && settings.Endpoint.Port == 4317
        ? "4317 is the port of OTLP over gRPC; OTLP over HTTP, which we speak, has 4318."
        : "";

    private static string TlsHint(Exception inner, ExporterSettings settings) => inner is AuthenticationException
        ? $"If the collector's certificate is your own, set {(settings.Kind == ExporterKind.Zipkin ? "its authority's file" : "OTEL_EXPORTER_OTLP_CERTIFICATE")}."
        : "Does it speak TLS at all, or should the URL begin with http://?";

    private static string EndpointSetting(ExporterSettings settings) =>
        settings.Kind == ExporterKind.Zipkin ? "OTEL_EXPORTER_ZIPKIN_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static string TimeoutSetting(ExporterSettings settings) =>
        settings.Kind == ExporterKind.Zipkin ? "OTEL_EXPORTER_ZIPKIN_TIMEOUT" : "OTEL_EXPORTER_OTLP_TIMEOUT";
}
