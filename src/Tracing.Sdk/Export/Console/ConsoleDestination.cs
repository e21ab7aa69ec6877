using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export.Console;

/// <summary>Standard output: one line a span.</summary>
internal sealed class ConsoleDestination(Stream output) : Destination
{
    private readonly MemoryStream _lines = new();

    public override void Prepare(SpanBatch batch)
    {
        _lines.SetLength(0);
        foreach (ref readonly var run in batch.Runs) _lines.Write(run.Bytes);
    }

    public override Attempt Send(TimeSpan timeout, CancellationToken abort)
    {
        try
        {
            // In one piece, or the application's own lines get in between.
            output.Write(_lines.GetBuffer(), 0, (int)_lines.Length);
            output.Flush();
            return new(AttemptOutcome.Taken);
        }
        catch (Exception e)
        {
            // A closed pipe.
            return new(AttemptOutcome.Refused, $"Standard output takes no spans: {e.Message}");
        }
    }
}
