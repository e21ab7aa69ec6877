using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export.Console;

/// <summary>Writes batches to standard output.</summary>
internal sealed class ConsoleTransport(Stream output) : Transport
{
    private readonly MemoryStream _lines = new();

    public override void Prepare(SpanBatch batch)
    {
        _lines.SetLength(0);
        foreach (ref readonly var run in batch.Runs) _lines.Write(run.Bytes);
    }

    public override SendResult Send(TimeSpan timeout, CancellationToken abort)
    {
        try
        {
            // One write, so that the application's own lines do not come between.
            output.Write(_lines.GetBuffer(), 0, (int)_lines.Length);
            output.Flush();
            return new(SendOutcome.Accepted);
        }
        catch (Exception e)
        {
            // The output may be a closed pipe.
            return new(SendOutcome.Rejected, $"Standard output cannot be written: {e.Message}");
        }
    }
}
