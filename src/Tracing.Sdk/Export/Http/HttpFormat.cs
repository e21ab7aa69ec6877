using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export.Http;

/// <summary>What the body of a response says.</summary>
/// <param name="RejectedSpans">The number of spans that the collector has rejected although it has accepted the request.</param>
/// <param name="Message">The collector's own words, as they came.</param>
internal readonly record struct ExportResponse(long RejectedSpans, string? Message);

/// <summary>A format that is sent in HTTP requests: what stands around the spans of a batch, and the meaning of the response.</summary>
internal abstract class HttpFormat(ExporterSettings settings) : SpanFormat
{
    public abstract string ContentType { get; }

    /// <summary>The fixes that a warning about a failed export names.</summary>
    public abstract HttpAdvice Advice { get; }

    /// <summary>Appends the body of a request.</summary>
    public abstract void WriteRequest(SpanBatch batch, RequestBody body);

    /// <summary>Reads the body of a response. A proxy may have written it, so it may be anything. Does not throw.</summary>
    public abstract ExportResponse ReadResponse(HttpResponseMessage response, ReadOnlySpan<byte> body);

    /// <summary>Whether the response refuses the batch for now.</summary>
    /// <remarks>
    /// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response. Not for 408, 413 and 500: the same request would get the same response. Zipkin specifies
    /// nothing, so the same rule serves.
    /// </remarks>
    public virtual bool IsRetryable(int status) => status is 429 or 502 or 503 or 504;
    public override Transport CreateTransport(ExportLog log, TimeProvider time) => new HttpTransport(settings, this, log, time);
}
