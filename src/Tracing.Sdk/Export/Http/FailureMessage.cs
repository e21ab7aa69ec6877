using System.Net.Sockets;
using System.Security.Cryptography;

namespace Tracing.Sdk.Export.Http;

/// <summary>Describes for the log why an attempt has no response, and which setting helps.</summary>
internal sealed class FailureMessage(ExporterSettings settings, HttpFormat format, ConnectionState connection) : ExportMessage(settings, format)
{
    // More waiting work items than a short burst leaves.
    private const int ManyWorkItems = 100;

    // Descriptions of TLS alerts. https://www.rfc-editor.org/rfc/rfc8446#section-6
    private const byte HandshakeFailure = 40;
    private const byte CertificateRequired = 116;
    private const byte NoApplicationProtocol = 120;

    private string ExportersSetting => Settings.SettingName("Export:Exporters");

    // Record type 21 (alert), version 3.x, length 2, level, description. It is readable until the handshake is over.
    private int Alert => connection.FirstBytes is [21, 3, _, 0, 2, _, var description, ..] ? description : -1;

    private bool WantsClientCertificate =>
        IsSecure && Settings is { ClientCertificateFile: null, HandlerFactory: null } && !connection.HasAnswered
        && (connection.AsksForCertificate || Alert is HandshakeFailure or CertificateRequired);

    private string ClientCertificateMessage => $"{Endpoint} asks for a client certificate and closes the connection without one. {Advice.ClientCertificate}";

    /// <summary>Describes an attempt of which nothing was sent.</summary>
    public string NothingSent(Exception e)
    {
        var cause = Innermost(e);
        var error = (e as HttpRequestException)?.HttpRequestError;
        if ((error is not null || e is OperationCanceledException) && Proxy is { } proxy) return ProxyFailed(proxy, error, cause);
        if (WantsClientCertificate && e is HttpRequestException) return ClientCertificateMessage;
        return e switch
        {
            CryptographicException => $"The certificates for {Endpoint} cannot be used: {Clean(e)}. {Advice.CertificateFiles}",
            OperationCanceledException => $"No connection to {Endpoint} was made in time. {PoolHint() ?? $"Check {Advice.EndpointSetting} and what lies between."}",
            HttpRequestException when error == HttpRequestError.NameResolutionError => $"The host name in {Endpoint} is not known. Check {Advice.EndpointSetting}.",
            HttpRequestException when error == HttpRequestError.SecureConnectionError => TlsFailed(cause),
            HttpRequestException when error == HttpRequestError.VersionNegotiationError => OtherVersion(),
            HttpRequestException when cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
                $"Nothing answers at {Endpoint}. Start a collector there, set {Advice.EndpointSetting}, or {ExportersSetting} to none.",
            HttpRequestException when error == HttpRequestError.ConnectionError => $"No connection to {Endpoint}: {Clean(cause)}. Check {Advice.EndpointSetting} and what lies between.",
            HttpRequestException when error == HttpRequestError.HttpProtocolError => NotHttp(cause),
            _ => $"The export to {Endpoint} failed before anything was sent: {Clean(cause)}.",
        };
    }

    /// <summary>Describes a port that speaks HTTP/1.1 where HTTP/2 is needed, or HTTP/2 where HTTP/1.1 is.</summary>
    public string OtherVersion() => $"{Endpoint} speaks another version of HTTP. {(Format.IsHttp2 ? Advice.Http1 : Advice.Http2)}";

    /// <summary>Describes an attempt that was sent, in whole or in part, and not answered.</summary>
    public string NoAnswer(Exception e)
    {
        if (e is OperationCanceledException) return Late();
        if (WantsClientCertificate) return ClientCertificateMessage;
        var cause = Innermost(e);
        // With TLS, the handshake has agreed on HTTP/2.
        var speaksHttp2 = Format.IsHttp2 && (IsSecure || connection.BeginsWithSettings);
        return !speaksHttp2
            && ((e as HttpRequestException)?.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError
                || e is HttpRequestException { InnerException: IOException })
            ? NotHttp(cause)
            : $"The export to {Endpoint} failed: {Clean(cause)}.";
    }

    private string ProxyFailed(ProxyInUse proxy, HttpRequestError? error, Exception cause)
    {
        var fix = $"{proxy.Setting}, or name the host in NO_PROXY.";
        return error switch
        {
            HttpRequestError.SecureConnectionError => TlsFailed(cause),
            HttpRequestError.VersionNegotiationError when !IsSecure =>
                $"gRPC without TLS cannot pass the proxy {proxy.Name} ({proxy.Setting}), through which {Endpoint} is reached. Name the host in NO_PROXY, or use https:// or OTLP over HTTP.",
            HttpRequestError.VersionNegotiationError => OtherVersion(),
            HttpRequestError.ProxyTunnelError => $"The proxy {proxy.Name} ({proxy.Setting}) makes no connection to {Endpoint}: {Clean(cause)}. Change {fix}",
            null => $"No connection to {Endpoint} through the proxy {proxy.Name} ({proxy.Setting}) was made in time. {PoolHint() ?? $"Check the proxy, change {fix}"}",
            _ => $"The proxy {proxy.Name} ({proxy.Setting}), through which {Endpoint} is reached, does not answer: {Clean(cause)}. Change {fix}",
        };
    }

    private string TlsFailed(Exception cause)
    {
        var begin = $"No secure connection to {Endpoint}";
        if (connection.FirstBytes.StartsWith("HTTP/"u8) && Proxy is null)
        {
            return $"{begin}: the port speaks HTTP without TLS. Let {Advice.EndpointSetting} begin with http://.";
        }

        if (connection.CertificateProblem is { } problem)
        {
            return $"{begin}: {problem}. {(connection.IsUnknownAuthority ? Advice.UnknownAuthority : $"Check {Advice.EndpointSetting} and the collector's certificate.")}";
        }

        if (Alert == NoApplicationProtocol) return $"{begin}. {(Format.IsHttp2 ? Advice.Http1 : Advice.Http2)}";
        if (WantsClientCertificate) return ClientCertificateMessage;
        return $"{begin}: {Clean(cause)}. Does the port speak TLS at all, or should {Advice.EndpointSetting} begin with http://?";
    }

    private string NotHttp(Exception cause) => $"{Endpoint} did not answer in HTTP: {Clean(cause)}. {ProtocolHint()}".TrimEnd();

    private string ProtocolHint()
    {
        // TLS begins with an alert or a handshake record.
        if (!IsSecure && connection.FirstBytes is [21 or 22, 3, ..]) return TlsHint;
        if (Advice.Port is { } port) return port;
        if (IsSecure) return Advice.PossibleHttp2;
        return connection.FirstBytes.IsEmpty ? $"If the port speaks TLS, let {Advice.EndpointSetting} begin with https://." : "";
    }

    private static string? PoolHint() => ThreadPool.PendingWorkItemCount is >= ManyWorkItems and var count
        ? $"Opening a connection needs the thread pool, which is exhausted: {count} work items wait."
        : null;

    private static Exception Innermost(Exception e)
    {
        while (e is not SocketException && e.InnerException is { } next) e = next;
        return e;
    }
}
