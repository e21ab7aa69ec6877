using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>What is particular to one exporter: the encoding of a span, and the transport of a batch.</summary>
internal abstract class SpanFormat
{
    public abstract SpanEncoder Encoder { get; }

    /// <summary>Limit of the spans' bytes in one request.</summary>
    public virtual int MaxBatchBytes => int.MaxValue;

    public abstract Transport CreateTransport(ExportLog log, TimeProvider time);
}
