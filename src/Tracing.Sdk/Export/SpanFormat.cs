using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>What is particular to one exporter: the encoding of a span, and the transport of a batch.</summary>
internal abstract class SpanFormat
{
    /// <summary>Bytes of a request that every receiver takes. A smaller one is not refused for its size.</summary>
    public const int MinRequestLimit = 16 * 1024;

    public abstract SpanEncoder Encoder { get; }

    /// <summary>Limit of the bytes of a request before compression: what receivers take.</summary>
    public virtual int MaxRequestBytes => int.MaxValue;

    /// <summary>The bytes of a request without its scopes and spans, at most.</summary>
    public virtual int EnvelopeBytes => 0;

    /// <summary>Limit of the bytes of the spans in one request, and of their scopes.</summary>
    public virtual int MaxBatchBytes => MaxRequestBytes - EnvelopeBytes;

    /// <summary>Returns the bytes that a scope adds to a request, at most.</summary>
    public virtual int ScopeBytes(Scope scope) => 0;

    /// <summary>Returns the limit of the bytes of a span of a scope.</summary>
    public int MaxSpanBytes(Scope scope) => Math.Min(SpanEncoder.MaxSpanBytes, MaxRequestBytes - EnvelopeBytes - ScopeBytes(scope));

    public abstract Transport CreateTransport(ExportLog log, TimeProvider time);
}
