using System.Net.Sockets;
using System.Security.Cryptography;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export.Http;

/// <summary>Describes for the log why an export has failed, and which setting helps.</summary>
internal sealed class FailureMessage(ExporterSettings settings, Uri endpointUrl, HttpAdvice advice, ConnectionState connection)
{
    // More waiting work items than a short burst leaves.
    private const int ManyWorkItems = 100;

    // Descriptions of TLS alerts. https://www.rfc-editor.org/rfc/rfc8446#section-6
    private const byte HandshakeFailure = 40;
    private const byte CertificateRequired = 116;
    private const byte NoApplicationProtocol = 120;

    private readonly string _endpoint = LogText.Url(endpointUrl);
    private readonly SecretFilter _secrets = new(settings.Headers, endpointUrl);

    private bool IsSecure => endpointUrl.Scheme == Uri.UriSchemeHttps;
    private string ExportersSetting => settings.SettingName("Export:Exporters");
    private ProxyInUse? Proxy => settings.HandlerFactory is null ? ProxyInUse.Find(endpointUrl) : null;

    // Record type 21 (alert), version 3.x, length 2, level, description. It is readable until the handshake is over.
    private int Alert => connection.FirstBytes is [21, 3, _, 0, 2, _, var description, ..] ? description : -1;

    private bool WantsClientCertificate =>
        IsSecure && settings is { ClientCertificateFile: null, HandlerFactory: null } && !connection.HasAnswered
        && (connection.AsksForCertificate || Alert is HandshakeFailure or CertificateRequired);

    private string ClientCertificateMessage => $"{_endpoint} asks for a client certificate and closes the connection without one. {advice.ClientCertificate}";
    private string SizeHint => $"Smaller batches are sent from now on. To begin with them, lower {settings.SettingName("Export:Batch:MaxSize")}, or raise the limit there.";
    private string TlsHint => $"The port speaks TLS: let {advice.EndpointSetting} begin with https://.";

    /// <summary>Describes an accepted request whose response holds a message; null when it holds none.</summary>
    public string? Accepted(ExportResponse response) => response switch
    {
        { RejectedSpans: > 0 and var count } => $"The collector did not take {LogText.Count(count, "span")}: {(response.Message is { } why ? Clean(why) : "it did not say why")}.",
        { Message: { } message } => $"The collector warns: {Clean(message)}.",
        _ => null,
    };

    public string HugeResponse() => $"{_endpoint} answered with more than 4 MiB, which no collector does. Check {advice.EndpointSetting}.";

    public string WebPage(int status) =>
        $"{_endpoint} answered {status} with a web page: this is not a collector, or something in front of it answers. Check {advice.EndpointSetting}.";

    /// <summary>Describes an attempt of which nothing was sent.</summary>
    public string NothingSent(Exception e)
    {
        var cause = Innermost(e);
        var error = (e as HttpRequestException)?.HttpRequestError;
        if ((error is not null || e is OperationCanceledException) && Proxy is { } proxy) return ProxyFailed(proxy, error, cause);
        return e switch
        {
            CryptographicException => $"The certificates for {_endpoint} cannot be used: {Clean(e)}. {advice.CertificateFiles}",
            OperationCanceledException => $"No connection to {_endpoint} was made in time. {PoolHint() ?? $"Check {advice.EndpointSetting} and what lies between."}",
            HttpRequestException when error == HttpRequestError.NameResolutionError => $"The host name in {_endpoint} is not known. Check {advice.EndpointSetting}.",
            HttpRequestException when error == HttpRequestError.SecureConnectionError => TlsFailed(cause),
            HttpRequestException when error == HttpRequestError.VersionNegotiationError => $"No connection for gRPC to {_endpoint}. {advice.Http1}",
            HttpRequestException when cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
                $"Nothing answers at {_endpoint}. Start a collector there, set {advice.EndpointSetting}, or {ExportersSetting} to none.",
            HttpRequestException when error == HttpRequestError.ConnectionError => $"No connection to {_endpoint}: {Clean(cause)}. Check {advice.EndpointSetting} and what lies between.",
            HttpRequestException when error == HttpRequestError.HttpProtocolError => NotHttp(cause),
            _ => $"The export to {_endpoint} failed before anything was sent: {Clean(cause)}.",
        };
    }

    /// <summary>Describes an attempt that was sent, in whole or in part, and not answered.</summary>
    public string NoAnswer(Exception e)
    {
        if (e is OperationCanceledException) return $"{_endpoint} did not answer in time. Is it a collector? If it is only slow, raise {advice.TimeoutSetting}.";
        if (WantsClientCertificate) return ClientCertificateMessage;
        var cause = Innermost(e);
        return (e as HttpRequestException)?.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError
            || e is HttpRequestException { InnerException: IOException }
            ? NotHttp(cause)
            : $"The export to {_endpoint} failed: {Clean(cause)}.";
    }

    /// <summary>Describes a response that is no success.</summary>
    /// <param name="response">The response.</param>
    /// <param name="message">The collector's words.</param>
    /// <param name="body">The beginning of the body.</param>
    /// <param name="isRetryable">Whether the spans are sent again.</param>
    public string Refused(HttpResponseMessage response, string? message, ReadOnlySpan<byte> body, bool isRetryable)
    {
        var status = (int)response.StatusCode;
        var isPage = ResponseText.IsHtml(body);
        var said = isPage ? " with a web page" : message is null ? "" : $": {Clean(message)}";
        // A server that expects TLS answers a plain request with 400, in its own words.
        var wantsTls = status == 400 && !IsSecure && body.IndexOf("HTTPS"u8) >= 0;
        var hint = status switch
        {
            _ when isRetryable => "The spans are kept and tried again.",
            _ when wantsTls => TlsHint,
            400 when message?.Contains("HTTP/2", StringComparison.OrdinalIgnoreCase) == true => advice.Http2,
            401 or 403 => advice.Login,
            404 or 405 => advice.Path,
            407 => Proxy is { } proxy ? $"The proxy {proxy.Name} asks for a login: {proxy.Setting} can hold one." : "A proxy asks for a login.",
            413 => SizeHint,
            400 when message?.Contains("too large", StringComparison.OrdinalIgnoreCase) == true => SizeHint,
            415 => advice.ContentType,
            >= 300 and < 400 => advice.IsWrongPath ? advice.Path : $"Redirects are not followed. Set {advice.EndpointSetting} to {RedirectTarget(response)}.",
            _ when isPage => $"This is not a collector, or something in front of it answers. Check {advice.EndpointSetting}.",
            >= 500 => "The spans are lost. The collector's own log should say why.",
            _ => $"The spans are lost. {advice.Port ?? $"Check {advice.EndpointSetting}."}",
        };
        return $"{_endpoint} answered {status}{said}. {hint}";
    }

    /// <summary>Describes a refusal by a status of gRPC.</summary>
    public string Refused(Refusal refusal, string? message)
    {
        var said = message is null ? "" : $": {Clean(message)}";
        var hint = refusal switch
        {
            { IsRetryable: true } => "The spans are kept and tried again.",
            { IsForSize: true } => SizeHint,
            { Status: "UNAUTHENTICATED" or "PERMISSION_DENIED" } => advice.Login,
            { Status: "UNIMPLEMENTED" } => advice.Path,
            _ => "The spans are lost. The collector's own log should say why.",
        };
        return $"{_endpoint} answered {refusal.Status}{said}. {hint}";
    }

    /// <summary>Describes a response that has ended without a status of gRPC.</summary>
    public string CutOff() => $"{_endpoint} answered without a gRPC status: the answer was cut off, or this is not a collector. {advice.Port ?? $"Check {advice.EndpointSetting}."}";

    private string ProxyFailed(ProxyInUse proxy, HttpRequestError? error, Exception cause)
    {
        var fix = $"{proxy.Setting}, or name the host in NO_PROXY.";
        return error switch
        {
            HttpRequestError.SecureConnectionError => TlsFailed(cause),
            HttpRequestError.ProxyTunnelError => $"The proxy {proxy.Name} ({proxy.Setting}) makes no connection to {_endpoint}: {Clean(cause)}. Change {fix}",
            null => $"No connection to {_endpoint} through the proxy {proxy.Name} ({proxy.Setting}) was made in time. {PoolHint() ?? $"Check the proxy, change {fix}"}",
            _ => $"The proxy {proxy.Name} ({proxy.Setting}), through which {_endpoint} is reached, does not answer: {Clean(cause)}. Change {fix}",
        };
    }

    private string TlsFailed(Exception cause)
    {
        var begin = $"No secure connection to {_endpoint}";
        if (connection.FirstBytes.StartsWith("HTTP/"u8) && Proxy is null)
        {
            return $"{begin}: the port speaks HTTP without TLS. Let {advice.EndpointSetting} begin with http://.";
        }

        if (connection.CertificateProblem is { } problem)
        {
            return $"{begin}: {problem}. {(connection.IsUnknownAuthority ? advice.UnknownAuthority : $"Check {advice.EndpointSetting} and the collector's certificate.")}";
        }

        if (Alert == NoApplicationProtocol) return $"{begin}. {advice.Http2}";
        if (WantsClientCertificate) return ClientCertificateMessage;
        return $"{begin}: {Clean(cause)}. Does the port speak TLS at all, or should {advice.EndpointSetting} begin with http://?";
    }

    private string NotHttp(Exception cause) => $"{_endpoint} did not answer in HTTP: {Clean(cause)}. {ProtocolHint()}".TrimEnd();

    private string ProtocolHint()
    {
        if (connection.FirstBytes.StartsWith("HTTP/"u8) && advice.Http1.Length > 0) return advice.Http1;
        // HTTP/2 begins with a SETTINGS frame: three bytes of length, then type 4. TLS begins with an alert or a handshake record.
        if (connection.FirstBytes is [0, 0, _, 4, ..]) return advice.Http2;
        if (!IsSecure && connection.FirstBytes is [21 or 22, 3, ..]) return TlsHint;
        if (advice.Port is { } port) return port;
        if (IsSecure) return advice.PossibleHttp2;
        return connection.FirstBytes.IsEmpty ? $"If the port speaks TLS, let {advice.EndpointSetting} begin with https://." : "";
    }

    private static string? PoolHint() => ThreadPool.PendingWorkItemCount is >= ManyWorkItems and var count
        ? $"Opening a connection needs the thread pool, which is exhausted: {count} work items wait."
        : null;

    private string RedirectTarget(HttpResponseMessage response)
    {
        try
        {
            return response.Headers.Location is { } location ? LogText.Url(new Uri(endpointUrl, location)) : "where it points";
        }
        catch (UriFormatException)
        {
            return "where it points";
        }
    }

    private static Exception Innermost(Exception e)
    {
        while (e is not SocketException && e.InnerException is { } next) e = next;
        return e;
    }

    // The message of an exception may quote the URL, a header or what the other end has sent.
    private string Clean(Exception e) => Clean(ExceptionText.Message(e));

    // Without its full stop: the sentence around it has one.
    private string Clean(string text) => LogText.Message(_secrets.Hide(text)).TrimEnd('.', ' ');
}
