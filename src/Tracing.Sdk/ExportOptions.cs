namespace Tracing.Sdk;

/// <summary>Where spans go.</summary>
public sealed class ExportOptions
{
    /// <summary>Where spans go: <c>otlp</c>, <c>zipkin</c>, <c>console</c>, several of them, or <c>none</c>. Default: <c>otlp</c>. Variable: <c>OTEL_TRACES_EXPORTER</c>.</summary>
    public IList<string> Exporters { get; } = ["otlp"];

    /// <summary>The OTLP exporter.</summary>
    public OtlpOptions Otlp { get; } = new();

    /// <summary>The Zipkin exporter.</summary>
    public ZipkinOptions Zipkin { get; } = new();

    /// <summary>How many spans wait for export, and how many go together.</summary>
    public BatchOptions Batch { get; } = new();

    /// <summary>Makes the handler that the exporters send through: a proxy, a certificate check of your own, a stub. Default: a SocketsHttpHandler. Code only.</summary>
    public Func<HttpMessageHandler>? HttpHandler { get; set; }

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];
}
