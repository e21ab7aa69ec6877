using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export.Http;

/// <summary>What the messages about failed exports have in common: how they name the endpoint, and how they quote other programs.</summary>
internal abstract class ExportMessage(ExporterSettings settings, HttpFormat format)
{
    private readonly SecretFilter _secrets = new(settings.Headers, settings.Endpoint!);

    protected ExporterSettings Settings => settings;
    protected HttpFormat Format => format;
    protected HttpAdvice Advice => format.Advice;
    protected Uri EndpointUrl => settings.Endpoint!;
    protected string Endpoint { get; } = LogText.Url(settings.Endpoint);
    protected bool IsSecure => EndpointUrl.Scheme == Uri.UriSchemeHttps;
    protected ProxyInUse? Proxy => settings.HandlerFactory is null ? ProxyInUse.Find(EndpointUrl) : null;
    protected string TlsHint => $"The port speaks TLS: let {Advice.EndpointSetting} begin with https://.";

    /// <summary>Describes a request whose time was up before the answer was complete.</summary>
    public string Late() => $"{Endpoint} did not answer in time. Is it a collector? If it is only slow, raise {Advice.TimeoutSetting}.";

    /// <summary>Quotes the message of an exception, which may itself quote the URL, a header or what the other end has sent.</summary>
    protected string Clean(Exception e) => Clean(ExceptionText.Message(e));

    /// <summary>Quotes a text, without its full stop: the sentence around it has one.</summary>
    protected string Clean(string text) => LogText.Message(_secrets.Hide(text)).TrimEnd('.', ' ');
}
