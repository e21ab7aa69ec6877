using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export;

/// <summary>What a collector said about spans that it took, or about why it did not.</summary>
/// <param name="Rejected">Spans that it did not take although it took the request.</param>
/// <param name="Message">Its words, for a person.</param>
internal readonly record struct CollectorReply(long Rejected, string? Message);

/// <summary>How a batch becomes the body of a request, and what the reply means.</summary>
internal abstract class RequestFormat
{
    public abstract string ContentType { get; }

    /// <summary>Appends the request's body.</summary>
    public abstract void Write(SpanBatch batch, RequestBody body);

    /// <summary>Reads the body of a reply. A proxy may have written it: anything is possible, nothing throws.</summary>
    public abstract CollectorReply Read(ReadOnlySpan<byte> body, bool isSuccess);
}
