using System.Net.Sockets;
using System.Security.Cryptography;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export;

/// <summary>Describes why an export failed and which setting helps. A setting has the name under which it was set.</summary>
internal sealed class FailureCause(ExporterSettings settings, ConnectionFacts facts)
{
    /// <summary>Bytes of a reply that are looked at for a message. Secrets are hidden in it before it is cut for the log.</summary>
    public const int MaxReadMessage = 4096;

    private const int MaxMessage = 500;

    private const int MinSecretLength = 4;

    // More waiting work items than a short burst leaves.
    private const int ManyWorkItems = 100;

    // https://www.rfc-editor.org/rfc/rfc8446#section-6
    private const byte HandshakeFailure = 40;
    private const byte CertificateRequired = 116;
    private const byte NoApplicationProtocol = 120;

    private readonly string _endpoint = ShownText.Url(settings.Endpoint);
    private string[]? _secrets;

    private bool IsZipkin => settings.Kind == ExporterKind.Zipkin;

    private bool IsSecure => settings.Endpoint.Scheme == Uri.UriSchemeHttps;

    private string EndpointSetting => settings.SettingName(IsZipkin ? "Export:Zipkin:Endpoint" : "Export:Otlp:Endpoint");

    private string TimeoutSetting => settings.SettingName(IsZipkin ? "Export:Zipkin:Timeout" : "Export:Otlp:Timeout");

    private string ExportersSetting => settings.SettingName("Export:Exporters");

    public static bool IsConnecting(HttpRequestException e) =>
        e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError;

    /// <summary>Whether the other end has closed or reset the connection.</summary>
    public static bool IsClosing(Exception e) => e is HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded or HttpRequestError.Unknown, InnerException: IOException };

    public static bool IsHtml(ReadOnlySpan<byte> body)
    {
        var text = body.TrimStart(" \t\r\n"u8);
        return text.Length > 0 && text[0] == (byte)'<';
    }

    public string? Partial(CollectorReply reply) => reply switch
    {
        { Rejected: > 0 } => $"The collector did not take {reply.Rejected} spans: {(reply.Message is { } why ? Text(why) : "it did not say why")}.",
        { Message: { } message } => $"The collector warns: {Text(message)}.",
        _ => null,
    };

    public string HugeReply() => $"{_endpoint} answered with more than 4 MiB, which no collector does. Check {EndpointSetting}.";

    public string Html(int status) =>
        $"{_endpoint} answered {status} with a web page: this is not a collector, or something in front of it answers. Check {EndpointSetting}.";

    /// <summary>For an attempt of which nothing was sent.</summary>
    public string OfConnecting(Exception e)
    {
        var inner = Innermost(e);
        var error = (e as HttpRequestException)?.HttpRequestError;
        if (Proxy() is { } proxy && (error is not null || e is OperationCanceledException)) return OfProxy(proxy, error, inner);
        return e switch
        {
            CryptographicException =>
                $"The certificates for {_endpoint} cannot be used: {Text(e)}. "
                + $"Check {settings.SettingName("Export:Otlp:CertificateFile")}, {settings.SettingName("Export:Otlp:ClientCertificateFile")} "
                + $"and {settings.SettingName("Export:Otlp:ClientKeyFile")}.",
            OperationCanceledException =>
                $"No connection to {_endpoint} was made in time. {PoolHint() ?? $"Check {EndpointSetting} and what lies between."}",
            HttpRequestException when error == HttpRequestError.NameResolutionError =>
                $"The host name in {_endpoint} is not known. Check {EndpointSetting}.",
            HttpRequestException when error == HttpRequestError.SecureConnectionError => OfSecureConnection(inner),
            HttpRequestException when inner is SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
                $"Nothing answers at {_endpoint}. Start a collector there, set {EndpointSetting}, or {ExportersSetting} to none.",
            HttpRequestException when error == HttpRequestError.ConnectionError =>
                $"No connection to {_endpoint}: {Text(inner)}. Check {EndpointSetting} and what lies between.",
            _ => $"The export to {_endpoint} failed before anything was sent: {Text(inner)}",
        };
    }

    /// <summary>For an attempt that was sent, in whole or in part, and not answered.</summary>
    public string OfSending(Exception e)
    {
        if (e is OperationCanceledException)
        {
            return $"{_endpoint} did not answer in time. Is it a collector? If it is only slow, raise {TimeoutSetting}.";
        }

        if (WantsCertificate()) return ClientCertificateHint();
        var inner = Innermost(e);
        return (e as HttpRequestException)?.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError
            || e is HttpRequestException { InnerException: IOException }
            ? $"{_endpoint} did not answer in HTTP: {Text(inner)} {ProtocolHint()}".TrimEnd()
            : $"The export to {_endpoint} failed: {Text(inner)}";
    }

    /// <summary>For an answer that is no success.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="message">The message in its body.</param>
    /// <param name="body">The beginning of the body.</param>
    /// <param name="isLater">Whether the spans are tried again.</param>
    public string OfStatus(HttpResponseMessage response, string? message, ReadOnlySpan<byte> body, bool isLater)
    {
        var status = (int)response.StatusCode;
        var isHtml = IsHtml(body);
        var said = isHtml ? " with a web page" : message is null ? "" : $": {Text(message).TrimEnd('.', ' ')}";
        // Servers for TLS answer a plain request with 400, in their own words.
        var wantsTls = status == 400 && !IsSecure && body.IndexOf("HTTPS"u8) >= 0;
        var hint = status switch
        {
            _ when isLater => "The spans are kept and tried again.",
            _ when wantsTls => HttpsHint(),
            400 when message?.Contains("HTTP/2", StringComparison.OrdinalIgnoreCase) == true => Http2Hint(),
            401 or 403 => IsZipkin
                ? "Something in front of the server asks for a login: add it in MeshTracingOptions.ExporterHttpHandler."
                : $"Check {settings.SettingName("Export:Otlp:Headers")}.",
            404 or 405 => PathHint(),
            407 => Proxy() is { } proxy ? $"The proxy {proxy.Name} asks for a login: {proxy.Setting} can hold one." : "A proxy asks for a login.",
            413 => $"Its limit is lower than a batch: lower {settings.SettingName("Export:Batch:MaxSize")}.",
            415 => IsZipkin
                ? "Does a Zipkin server listen there?"
                : $"Try the other {settings.SettingName("Export:Otlp:Protocol")}: http/protobuf or http/json.",
            >= 300 and < 400 when IsZipkin && !settings.Endpoint.AbsolutePath.EndsWith("/spans", StringComparison.Ordinal) => PathHint(),
            >= 300 and < 400 => $"Redirects are not followed. Set {EndpointSetting} to {RedirectTarget(response)}.",
            _ when isHtml => $"This is not a collector, or something in front of it answers. Check {EndpointSetting}.",
            _ => PortHint(),
        };
        return $"{_endpoint} answered {status}{said}. {hint}".TrimEnd();
    }

    /// <summary>The text of a reply in plain text; null for any other type.</summary>
    public static string? PlainText(HttpResponseMessage response, ReadOnlySpan<byte> body) =>
        !body.IsEmpty && response.Content.Headers.ContentType?.MediaType is null or "text/plain"
            ? System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxReadMessage)]).Trim()
            : null;

    private string OfProxy((string Name, string Setting) proxy, HttpRequestError? error, Exception inner) => error switch
    {
        HttpRequestError.SecureConnectionError => OfSecureConnection(inner),
        HttpRequestError.ProxyTunnelError => $"The proxy {proxy.Name} ({proxy.Setting}) makes no connection to {_endpoint}: {Text(inner)}. Change {proxy.Setting}, or name the host in NO_PROXY.",
        null => $"No connection to {_endpoint} through the proxy {proxy.Name} ({proxy.Setting}) was made in time. "
            + (PoolHint() ?? $"Check the proxy, change {proxy.Setting}, or name the host in NO_PROXY."),
        _ => $"The proxy {proxy.Name} ({proxy.Setting}), through which {_endpoint} is reached, does not answer: {Text(inner)}. Change {proxy.Setting}, or name the host in NO_PROXY.",
    };

    private string OfSecureConnection(Exception inner)
    {
        if (facts.FirstBytes.StartsWith("HTTP/"u8) && Proxy() is null)
        {
            return $"No secure connection to {_endpoint}: the port speaks HTTP without TLS. Let {EndpointSetting} begin with http://.";
        }

        if (facts.CertificateProblem is { } problem)
        {
            var hint = !facts.IsUnknownAuthority ? $"Check {EndpointSetting} and the collector's certificate."
                : IsZipkin ? "Add the authority to the machine's, or check the certificate in MeshTracingOptions.ExporterHttpHandler."
                : $"If the authority is your own, set {settings.SettingName("Export:Otlp:CertificateFile")} to its PEM file.";
            return $"No secure connection to {_endpoint}: {problem}. {hint}";
        }

        if (Alert == NoApplicationProtocol) return $"No secure connection to {_endpoint}. {Http2Hint()}";
        if (WantsCertificate()) return ClientCertificateHint();
        return $"No secure connection to {_endpoint}: {Text(inner)} Does the port speak TLS at all, or should {EndpointSetting} begin with http://?";
    }

    // Record type 21 (alert), version 3.x, length 2, level, description: readable as long as the handshake is not over.
    private int Alert => facts.FirstBytes is [21, 3, _, 0, 2, _, var description, ..] ? description : -1;

    private bool WantsCertificate() =>
        IsSecure && settings is { ClientCertificateFile: null, HandlerFactory: null } && !facts.HasAnswered
        && (facts.AsksForCertificate || Alert is HandshakeFailure or CertificateRequired);

    private string ClientCertificateHint() =>
        $"{_endpoint} asks for a client certificate and closes the connection without one. "
        + (IsZipkin
            ? "Give it one in MeshTracingOptions.ExporterHttpHandler."
            : $"Set {settings.SettingName("Export:Otlp:ClientCertificateFile")} and {settings.SettingName("Export:Otlp:ClientKeyFile")}.");

    // HTTP/2 begins with a SETTINGS frame: three bytes of length, then type 4.
    private string ProtocolHint() =>
        facts.FirstBytes is [0, 0, _, 4, ..] ? Http2Hint()
        : !IsSecure && facts.FirstBytes is [21 or 22, 3, ..] ? HttpsHint()
        : !IsSecure && facts.FirstBytes.IsEmpty && PortHint().Length == 0 ? $"If the port speaks TLS, let {EndpointSetting} begin with https://."
        : IsSecure && !IsZipkin && PortHint().Length == 0
            ? "If the port speaks HTTP/2 only, as OTLP over gRPC does: OTLP over HTTP has another port, usually 4318."
        : PortHint();

    private string HttpsHint() => $"The port speaks TLS: let {EndpointSetting} begin with https://.";

    private string Http2Hint() => IsZipkin
        ? $"The port speaks HTTP/2 only, which no Zipkin server does. Check {EndpointSetting}."
        : $"The port speaks HTTP/2 only, as OTLP over gRPC does; OTLP over HTTP has another port, usually 4318. Check {EndpointSetting}.";

    private string PathHint()
    {
        if (IsZipkin) return $"A Zipkin server takes spans at /api/v2/spans: append this path to {EndpointSetting}.";
        const string appended = "OTEL_EXPORTER_OTLP_ENDPOINT";
        return EndpointSetting == appended
            ? $"OTLP/HTTP has the path /v1/traces, which {appended} gets appended: check the path before it."
            : $"OTLP/HTTP has the path /v1/traces, and {EndpointSetting} is used as it is.";
    }

    private string PortHint() => !IsZipkin && settings.Endpoint.Port == 4317
        ? "4317 is the port of OTLP over gRPC; OTLP over HTTP, which we speak, has 4318."
        : "";

    private static string? PoolHint() => ThreadPool.PendingWorkItemCount is >= ManyWorkItems and var count
        ? $"Opening a connection needs the thread pool, which is exhausted: {count} work items wait."
        : null;

    private string RedirectTarget(HttpResponseMessage response)
    {
        try
        {
            return response.Headers.Location is { } location ? ShownText.Url(new Uri(settings.Endpoint, location)) : "where it points";
        }
        catch (UriFormatException)
        {
            return "where it points";
        }
    }

    // https://learn.microsoft.com/dotnet/api/system.net.http.httpclient.defaultproxy
    private (string Name, string Setting)? Proxy()
    {
        if (settings.HandlerFactory is not null) return null;
        Uri? uri;
        try
        {
            var proxy = HttpClient.DefaultProxy;
            uri = proxy.IsBypassed(settings.Endpoint) ? null : proxy.GetProxy(settings.Endpoint);
        }
        catch (Exception)
        {
            // A proxy of the application's own.
            return null;
        }

        if (uri is null || uri == settings.Endpoint) return null;
        string[] variables = IsSecure ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] : ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        var variable = Array.Find(variables, name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name)));
        return (ShownText.Url(uri).TrimEnd('/'), variable ?? "HttpClient.DefaultProxy");
    }

    private static Exception Innermost(Exception e)
    {
        while (e is not SocketException && e.InnerException is { } next) e = next;
        return e;
    }

    // The message of an exception may quote the URL, a header or what the other end has sent.
    private string Text(Exception e) => Text(e.Message);

    private string Text(string text)
    {
        // The longest first: a part must not be hidden before the whole.
        _secrets ??= [.. Secrets(settings).Where(s => s.Length >= MinSecretLength).Distinct().OrderByDescending(s => s.Length)];
        foreach (var secret in _secrets) text = text.Replace(secret, ShownText.Hidden, StringComparison.OrdinalIgnoreCase);
        return Clean(text);
    }

    // Whole and in the parts that a collector may quote.
    private static IEnumerable<string> Secrets(ExporterSettings settings)
    {
        foreach (var (_, value) in settings.Headers)
        {
            yield return value;
            // {scheme} {credentials}: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.2
            var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            foreach (var word in words.Skip(words.Length > 1 ? 1 : 0))
            {
                yield return word;
                if (!words[0].Equals("Basic", StringComparison.OrdinalIgnoreCase)) continue;
                var login = new byte[word.Length];
                if (!Convert.TryFromBase64String(word, login, out var length)) continue;
                var text = System.Text.Encoding.UTF8.GetString(login, 0, length);
                yield return text;
                yield return text[(text.IndexOf(':') + 1)..];
            }
        }

        yield return settings.Endpoint.UserInfo;
        foreach (var part in settings.Endpoint.UserInfo.Split(':')) yield return Uri.UnescapeDataString(part);
        yield return settings.Endpoint.Query;
        foreach (var pair in settings.Endpoint.Query.TrimStart('?').Split('&'))
        {
            var value = pair[(pair.IndexOf('=') + 1)..];
            yield return value;
            yield return Uri.UnescapeDataString(value);
        }
    }

    private static string Clean(string text)
    {
        if (text.Length > MaxMessage) text = text[..MaxMessage];
        return string.Create(text.Length, text, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++) target[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });
    }
}
