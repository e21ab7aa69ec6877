using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>What is particular to one exporter: the encoding of a span, and the transport of a batch.</summary>
internal abstract class SpanFormat
{
    public abstract SpanEncoder Encoder { get; }

    /// <summary>Limit of the spans' bytes in one request, and of their scopes' where <see cref="ScopeBytes"/> counts them.</summary>
    public virtual int MaxBatchBytes => int.MaxValue;

    /// <summary>Returns the bytes that a scope adds to a request; 0 where the limit leaves enough room for scopes.</summary>
    public virtual int ScopeBytes(Scope scope) => 0;

    /// <summary>Limit of the bytes of a span of a scope.</summary>
    public virtual int MaxSpanBytes(Scope scope) => SpanEncoder.MaxSpanBytes;

    public abstract Transport CreateTransport(ExportLog log, TimeProvider time);
}
