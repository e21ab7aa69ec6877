using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>Where spans go.</summary>
internal enum ExporterKind
{
    Otlp,
    Zipkin,
    Console,
}

/// <summary>What one exporter needs to know; everything is resolved and valid.</summary>
internal sealed record ExporterSettings
{
    public required ExporterKind Kind { get; init; }

    /// <summary>The final URL, path included. Not used by the console exporter.</summary>
    public Uri Endpoint { get; init; } = new("http://localhost:4318/v1/traces");

    public OtlpProtocol Protocol { get; init; }

    /// <summary>Sent with each request.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Whether bodies are compressed.</summary>
    public bool Gzip { get; init; }

    /// <summary>For one export with all its attempts.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a span waits for others at most.</summary>
    public TimeSpan BatchDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Spans in one request.</summary>
    public int MaxBatchSpans { get; init; } = 512;

    /// <summary>Bytes of spans in one request, before compression. Zipkin gets 1 MiB at most.</summary>
    public int MaxBatchBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Spans that may wait; null for no bound but that of bytes.</summary>
    public int? MaxQueuedSpans { get; init; }

    /// <summary>Bytes of spans that may wait.</summary>
    public long MaxQueueBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Makes the handler that requests go through; null for our own.</summary>
    public Func<HttpMessageHandler>? HandlerFactory { get; init; }

    /// <summary>PEM file with the certificates that the collector's is checked against, instead of the machine's.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>PEM file with the certificate that this process shows.</summary>
    public string? ClientCertificateFile { get; init; }

    /// <summary>PEM file with that certificate's key; null when it is in the same file.</summary>
    public string? ClientKeyFile { get; init; }

    public SpanLimits Limits { get; init; } = new();

    /// <summary>How a person finds an option: the name of what has set it, such as a variable, or of what can set it. For advice in the log.</summary>
    public Func<string, string> SettingName { get; init; } = static option => $"MeshTracing:{option}";
}
