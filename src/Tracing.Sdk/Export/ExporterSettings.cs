using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export;

/// <summary>The settings of one exporter, resolved and valid.</summary>
internal sealed record ExporterSettings
{
    /// <summary>The exporter's value of <c>otel.component.type</c>. https://opentelemetry.io/docs/specs/semconv/registry/attributes/otel/</summary>
    public required string ComponentType { get; init; }
    public required Func<ExporterSettings, Resource, SpanFormat> CreateFormat { get; init; }

    /// <summary>The final URL, path included, without user info. Null for an exporter that writes to standard output.</summary>
    public Uri? Endpoint { get; init; }
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Whether bodies are compressed.</summary>
    public bool Gzip { get; init; }

    /// <summary>Time for a batch with all its attempts.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.MaxValue;

    /// <summary>The longest time that a span waits for a batch to fill.</summary>
    public TimeSpan BatchDelay { get; init; }
    public int MaxBatchSpans { get; init; }

    /// <summary>Limit of the spans' bytes in one request, before compression. The format's own limit may be lower.</summary>
    public int MaxBatchBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Limit of the spans in the queue; null for none but <see cref="MaxQueueBytes"/>.</summary>
    public int? MaxQueuedSpans { get; init; }
    public long MaxQueueBytes { get; init; }

    /// <summary>Creates the handler of the requests; null for the exporter's own.</summary>
    public Func<HttpMessageHandler>? HandlerFactory { get; init; }

    /// <summary>PEM file with the authorities that sign the collector's certificate, in place of the machine's.</summary>
    public string? CertificateFile { get; init; }
    public string? ClientCertificateFile { get; init; }

    /// <summary>PEM file with the key of the client certificate; null when the certificate's file holds it.</summary>
    public string? ClientKeyFile { get; init; }
    public SpanLimits Limits { get; init; } = new();

    /// <summary>Returns the name that a log line gives to an option: what has set it, such as a variable, or what can set it.</summary>
    public Func<string, string> SettingName { get; init; } = static option => $"MeshTracing:{option}";

    /// <summary>The endpoint as log lines show it.</summary>
    public string EndpointName => Endpoint is null ? "standard output" : LogText.Url(Endpoint);

    /// <summary>Returns a URL without user info: exporters do not send it, and log lines must not show it.</summary>
    public static Uri WithoutUserInfo(Uri endpoint) => new UriBuilder(endpoint) { UserName = "", Password = "" }.Uri;
}
