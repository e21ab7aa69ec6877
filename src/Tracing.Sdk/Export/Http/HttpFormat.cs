using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export.Http;

/// <summary>A format that is sent in HTTP requests: what stands around the spans of a batch, and the meaning of the response.</summary>
internal abstract class HttpFormat(ExporterSettings settings) : SpanFormat
{
    public abstract string ContentType { get; }

    /// <summary>The fixes that a warning about a failed export names.</summary>
    public abstract HttpAdvice Advice { get; }

    /// <summary>The version of HTTP, and no other, in which requests are sent.</summary>
    public virtual Version HttpVersion => System.Net.HttpVersion.Version11;

    /// <summary>Whether <see cref="HttpVersion"/> is HTTP/2.</summary>
    public bool IsHttp2 => HttpVersion == System.Net.HttpVersion.Version20;

    /// <summary>The number of bytes in front of a body that <see cref="WritePrefix"/> fills.</summary>
    public virtual int PrefixLength => 0;

    /// <summary>Returns the URL of requests to an endpoint.</summary>
    public virtual Uri FindTarget(Uri endpoint) => endpoint;

    /// <summary>Fills the bytes in front of a body, whose length is known now.</summary>
    public virtual void WritePrefix(Span<byte> prefix, int length, bool isCompressed) { }

    /// <summary>Adds the headers that belong to the format.</summary>
    /// <param name="request">A request with its content.</param>
    /// <param name="isCompressed">Whether the body is compressed with gzip.</param>
    /// <param name="timeout">The time that the collector has for its answer.</param>
    public virtual void AddHeaders(HttpRequestMessage request, bool isCompressed, TimeSpan timeout)
    {
        if (isCompressed) request.Content!.Headers.ContentEncoding.Add("gzip");
    }

    /// <summary>Appends the body of a request.</summary>
    public abstract void WriteRequest(SpanBatch batch, RequestBody body);

    /// <summary>Reads a response. A proxy may have written it, so it may be anything. Does not throw.</summary>
    public abstract ExportResponse ReadResponse(HttpResponseMessage response, ReadOnlySpan<byte> body);

    /// <summary>Whether the response refuses the batch for now.</summary>
    /// <remarks>
    /// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response. Not for 408, 413 and 500: the same request would get the same response. Zipkin specifies
    /// nothing, so the same rule serves.
    /// </remarks>
    public virtual bool IsRetryable(int status) => status is 429 or 502 or 503 or 504;
    public override Transport CreateTransport(ExportLog log, TimeProvider time) => new HttpTransport(settings, this, log, time);
}
