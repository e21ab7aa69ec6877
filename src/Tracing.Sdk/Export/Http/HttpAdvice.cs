namespace Tracing.Sdk.Export.Http;

/// <summary>The fixes that a warning about a failed export names, in the words of one format. Each text is a sentence.</summary>
internal abstract class HttpAdvice(ExporterSettings settings, string section)
{
    protected const string HandlerSetting = $"{nameof(MeshTracingOptions)}.{nameof(MeshTracingOptions.Export)}.{nameof(ExportOptions.HttpHandler)}";

    public string EndpointSetting => Setting("Endpoint");
    public string TimeoutSetting => Setting("Timeout");

    /// <summary>For a path at which no collector listens.</summary>
    public abstract string Path { get; }

    /// <summary>Whether the path of the endpoint cannot be right, so that a redirect leads to another service.</summary>
    public virtual bool IsWrongPath => false;

    /// <summary>For 401 and 403.</summary>
    public abstract string Login { get; }

    /// <summary>For 415.</summary>
    public abstract string ContentType { get; }

    /// <summary>For a port that speaks HTTP/2 only.</summary>
    public abstract string Http2 { get; }

    /// <summary>For a port that closes a secure connection without an answer, as a port that speaks HTTP/2 only does.</summary>
    public virtual string PossibleHttp2 => "";

    /// <summary>For a port that does not speak HTTP/2 although the format needs it.</summary>
    public virtual string Http1 => "";

    /// <summary>For a port that is known to belong to another protocol; null for all others.</summary>
    public virtual string? Port => null;

    /// <summary>For certificate files that cannot be used.</summary>
    public virtual string CertificateFiles => "";

    /// <summary>For a certificate whose authority is not trusted.</summary>
    public abstract string UnknownAuthority { get; }

    /// <summary>For a collector that asks for a client certificate.</summary>
    public abstract string ClientCertificate { get; }

    protected string Setting(string option) => settings.SettingName($"Export:{section}:{option}");
}
