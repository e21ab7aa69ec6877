using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export.Http;

/// <summary>Describes for the log a response that is no plain success, and which setting helps.</summary>
internal sealed class ResponseMessage(ExporterSettings settings, HttpFormat format) : ExportMessage(settings, format)
{
    private const string Kept = "The spans are kept and tried again.";
    private const string Lost = "The spans are lost. The collector's own log should say why.";

    /// <summary>Describes an accepted request whose response holds a message; null when it holds none.</summary>
    public string? Accepted(ExportResponse response) => response switch
    {
        { RejectedSpans: > 0 and var count } => $"The collector did not take {LogText.Count(count, "span")}: {(response.Message is { } why ? Clean(why) : "it did not say why")}.",
        { Message: { } message } => $"The collector warns: {Clean(message)}.",
        _ => null,
    };

    public string Huge() => $"{Endpoint} answered with more than 4 MiB, which no collector does. Check {Advice.EndpointSetting}.";

    public string WebPage(int status) =>
        $"{Endpoint} answered {status} with a web page: this is not a collector, or something in front of it answers. Check {Advice.EndpointSetting}.";

    /// <summary>Describes a response that has ended in the middle.</summary>
    public string CutOff() => $"The answer of {Endpoint} was cut off.";

    /// <summary>Describes a complete response that lacks the status of the protocol.</summary>
    public string WithoutStatus(int status) =>
        $"{Endpoint} answered {status} without a gRPC status: this is not a collector, or a proxy in front of it removes trailers. {Advice.Port ?? $"Check {Advice.EndpointSetting}."}";

    /// <summary>Describes a response with a status of HTTP that is no success.</summary>
    /// <param name="response">The response.</param>
    /// <param name="message">The collector's words.</param>
    /// <param name="body">The beginning of the body.</param>
    /// <param name="outcome">What the response means for the batch.</param>
    /// <param name="isOneSpan">Whether the request held a single span.</param>
    public string Refused(HttpResponseMessage response, string? message, ReadOnlySpan<byte> body, SendOutcome outcome, bool isOneSpan)
    {
        var status = (int)response.StatusCode;
        var isPage = ResponseText.IsHtml(body);
        var said = isPage ? " with a web page" : message is null ? "" : $": {Clean(message)}";
        // A server that expects TLS answers a plain request with 400, in its own words.
        var wantsTls = status == 400 && !IsSecure && body.IndexOf("HTTPS"u8) >= 0;
        var hint = status switch
        {
            _ when outcome == SendOutcome.Deferred => Kept,
            _ when outcome == SendOutcome.TooLarge => SizeHint(isOneSpan),
            _ when wantsTls => TlsHint,
            400 when message?.Contains("HTTP/2", StringComparison.OrdinalIgnoreCase) == true => Advice.Http2,
            401 or 403 => Advice.Login,
            404 or 405 => Advice.Path,
            407 => Proxy is { } proxy ? $"The proxy {proxy.Name} asks for a login: {proxy.Setting} can hold one." : "A proxy asks for a login.",
            415 => Advice.ContentType,
            >= 300 and < 400 => Advice.IsWrongPath ? Advice.Path : $"Redirects are not followed. Set {Advice.EndpointSetting} to {RedirectTarget(response)}.",
            _ when isPage => $"This is not a collector, or something in front of it answers. Check {Advice.EndpointSetting}.",
            >= 500 => Lost,
            _ => $"The spans are lost. {Advice.Port ?? $"Check {Advice.EndpointSetting}."}",
        };
        return $"{Endpoint} answered {status}{said}. {hint}";
    }

    /// <summary>Describes a refusal by a status of gRPC.</summary>
    public string Refused(Refusal refusal, string? message, SendOutcome outcome, bool isOneSpan)
    {
        var said = message is null ? "" : $": {Clean(message)}";
        var hint = refusal.Status switch
        {
            _ when outcome == SendOutcome.Deferred => Kept,
            _ when outcome == SendOutcome.TooLarge => SizeHint(isOneSpan),
            "UNAUTHENTICATED" or "PERMISSION_DENIED" => Advice.Login,
            "UNIMPLEMENTED" => Advice.Path,
            _ => Lost,
        };
        return $"{Endpoint} answered {refusal.Status}{said}. {hint}";
    }

    private string SizeHint(bool isOneSpan) => isOneSpan
        ? $"The request held a single span, which is lost. Lower {Settings.SettingName("Limits:MaxAttributeLength")}, or raise the limit there."
        : $"Smaller batches are sent from now on. To begin with them, lower {Settings.SettingName("Export:Batch:MaxSize")}, or raise the limit there.";

    private string RedirectTarget(HttpResponseMessage response)
    {
        try
        {
            return response.Headers.Location is { } location ? LogText.Url(new Uri(EndpointUrl, location)) : "where it points";
        }
        catch (UriFormatException)
        {
            return "where it points";
        }
    }
}
