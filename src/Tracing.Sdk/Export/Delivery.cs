using Tracing.Sdk.Accounting;
using Tracing.Sdk.Encoding;

namespace Tracing.Sdk.Export;

/// <summary>What became of a batch.</summary>
internal enum DeliveryResult
{
    /// <summary>The collector has it.</summary>
    Delivered,

    /// <summary>It is lost, in whole or in part, and counted.</summary>
    Lost,

    /// <summary>There is nobody to send it to at the moment: it stays in the buffer.</summary>
    Kept,
}

/// <summary>Sends a batch until it is taken, refused, or its time is up. Export thread only.</summary>
/// <remarks>
/// A request that got an answer, or might have, is repeated within the export's time only. As long as not even a connection can be
/// made nothing speaks against keeping the spans while there is room for them: a collector that restarts costs none.
/// </remarks>
internal sealed class Delivery(
    Destination destination,
    ExporterSettings settings,
    SpanLedger ledger,
    ExportLog log,
    StopSignal stop,
    TimeProvider time) : IDisposable
{
    private readonly Alarm _alarm = new(time);

    /// <summary>Attempts in a row that found nobody.</summary>
    public int Unreachable { get; private set; }

    /// <summary>Delivers a batch and calls <paramref name="settle"/> with what to count when it is done with.</summary>
    public DeliveryResult Deliver(SpanBatch batch, Action<SpanBatch, long, DropReason> settle)
    {
        destination.Prepare(batch);
        var begun = time.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            var attempt = Send(Least(settings.Timeout - time.GetElapsedTime(begun), stop.Remaining));
            if (attempt.Cause is not null) log.Failed(attempt.Cause, ledger.TotalDropped);

            if (attempt.Outcome == AttemptOutcome.Unreachable)
            {
                Unreachable++;
                return DeliveryResult.Kept;
            }

            Unreachable = 0;
            switch (attempt.Outcome)
            {
                case AttemptOutcome.Taken:
                    var rejected = Math.Min(attempt.Rejected, batch.Count);
                    settle(batch, rejected, DropReason.Rejected);
                    if (attempt.Cause is null) log.Worked(ledger.TotalDropped);
                    return rejected == 0 ? DeliveryResult.Delivered : DeliveryResult.Lost;
                case AttemptOutcome.Refused:
                    settle(batch, batch.Count, DropReason.Rejected);
                    return DeliveryResult.Lost;
            }

            var delay = attempt.RetryAfter ?? RetryPolicy.Delay(attempts - 1, Random.Shared.NextDouble());
            if (!TryPause(delay, begun))
            {
                settle(batch, batch.Count, stop.IsSet ? DropReason.Shutdown : DropReason.Timeout);
                return DeliveryResult.Lost;
            }

            ledger.Retry();
        }
    }

    public void Dispose()
    {
        _alarm.Dispose();
        destination.Dispose();
    }

    private Attempt Send(TimeSpan timeout)
    {
        var start = time.GetTimestamp();
        var attempt = destination.Send(Longest(timeout, TimeSpan.FromMilliseconds(1)), stop.Abort);
        ledger.OnRequest?.Invoke(
            time.GetElapsedTime(start).TotalSeconds,
            attempt.Status,
            attempt.Outcome == AttemptOutcome.Taken ? null : attempt.Status > 0 ? $"{attempt.Status}" : $"{attempt.Outcome}");
        return attempt;
    }

    // False when the next attempt would come too late.
    private bool TryPause(TimeSpan delay, long begun)
    {
        if (delay >= Least(settings.Timeout - time.GetElapsedTime(begun), stop.Remaining)) return false;
        var start = time.GetTimestamp();
        if (!stop.IsSet)
        {
            _alarm.Wait(stop.Stopping, delay);
            if (!stop.IsSet) return true;
            // The process ends in the middle of the pause: is there time for the rest of it?
            delay -= time.GetElapsedTime(start);
            if (delay >= stop.Remaining) return false;
        }

        _alarm.Wait(stop.Abort.WaitHandle, delay);
        return !stop.Abort.IsCancellationRequested;
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Longest(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
