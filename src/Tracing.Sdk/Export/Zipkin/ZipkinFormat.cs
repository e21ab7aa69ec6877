using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export.Zipkin;

// [span,span,...] The first byte must be the bracket: by it the server knows that this is JSON.
internal sealed class ZipkinFormat : RequestFormat
{
    /// <summary>Bytes of the spans in one body of 1 MiB; the server refuses 10 MiB, and what sits in front of it often less.</summary>
    public const int MaxBatchBytes = (1024 - 16) * 1024;

    private const int MaxMessage = FailureCause.MaxReadMessage;

    public override string ContentType => "application/json";

    public override void Write(SpanBatch batch, RequestBody body)
    {
        body.Add("["u8);
        var isFirst = true;
        foreach (ref readonly var run in batch.Runs)
        {
            // Each span brings the comma before it.
            body.Add(run, skip: isFirst ? 1 : 0);
            isFirst = false;
        }

        body.Add("]"u8);
    }

    public override CollectorReply Read(ReadOnlySpan<byte> body, bool isSuccess)
    {
        // Plain text when it refuses, nothing when it does not. A page written by a proxy says nothing.
        if (isSuccess || body.IsEmpty || body[0] == (byte)'<') return default;
        var text = System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxMessage)]);
        return new(0, string.Create(text.Length, text, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++) target[i] = char.IsControl(source[i]) ? ' ' : source[i];
        }));
    }
}
