using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Export.Zipkin;

namespace Tracing.Sdk.Export;

/// <summary>Where spans go.</summary>
public sealed class ExportOptions
{
    /// <summary>Exporters that get every span: <c>otlp</c>, <c>zipkin</c>, <c>console</c>, several of them, or <c>none</c>.</summary>
    /// <value>Default: <c>otlp</c>. Variable: <c>OTEL_TRACES_EXPORTER</c>.</value>
    /// <remarks>Change it to <c>zipkin</c> for a Zipkin server, and to <c>console</c> to read spans while developing.</remarks>
    [Variable("OTEL_TRACES_EXPORTER")]
    [Items("otlp", "zipkin", "console", "none")]
    public IList<string> Exporters { get; } = ["otlp"];

    /// <summary>The OTLP exporter.</summary>
    public OtlpOptions Otlp { get; } = new();

    /// <summary>The Zipkin exporter.</summary>
    public ZipkinOptions Zipkin { get; } = new();

    /// <summary>How many spans wait for export, and how many are sent together.</summary>
    public BatchOptions Batch { get; } = new();

    /// <summary>Attributes that are removed from every span, event and link before it is exported; <c>*</c> at the end of a name stands for any rest. Letter case counts.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name what must not leave the process: <c>user_agent.original</c>, <c>exception.stacktrace</c>, <c>db.query.text</c>.</remarks>
    [AttributeNames]
    public IList<string> RemovedAttributes { get; } = [];

    /// <summary>Reads and changes each span that has ended, or drops it, before any exporter gets it. It runs on the thread that ended the span, so it must be quick; spans that start in it are not recorded.
    /// What it throws is logged once, and the span is exported as it then is. Code only.</summary>
    /// <value>Default: none.</value>
    public Action<EndedSpan>? BeforeExport { get; set; }

    /// <summary>Makes the handler that the exporters send through: a proxy, a certificate check of your own, a stub. Code only.</summary>
    /// <value>Default: a <see cref="SocketsHttpHandler"/> of the exporter's own.</value>
    public Func<HttpMessageHandler>? HttpHandler { get; set; }
}
