using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>What became of a batch.</summary>
internal enum DeliveryResult
{
    /// <summary>The collector has it.</summary>
    Delivered,

    /// <summary>It is lost, in whole or in part, and counted.</summary>
    Lost,

    /// <summary>Nothing of it could be sent: it stays in the buffer.</summary>
    Kept,

    /// <summary>The collector refuses it for now: it stays in the buffer.</summary>
    Deferred,
}

/// <summary>Sends a batch until it is taken, refused, or its time is up. Export thread only.</summary>
/// <remarks>
/// A request that may have been received without an answer is repeated within the export's time only. A batch of which nothing was sent, and
/// one that the collector refuses for now, stay in the buffer: its bound is the only end.
/// </remarks>
internal sealed class Delivery(
    Destination destination,
    ExporterSettings settings,
    ExporterMetrics ledger,
    ExportLog log,
    StopSignal stop,
    TimeProvider time) : IDisposable
{
    private const int AttemptsBetweenChecks = 3;
    private const int LongRefusal = 12;
    private static readonly TimeSpan LongTime = TimeSpan.FromMinutes(1);

    private readonly Alarm _alarm = new(time);
    private long _refusedSince;
    // False after 429, which is about the rate and not about the batch.
    private bool _isJudgedByBatch;

    /// <summary>Attempts in a row of which nothing was sent.</summary>
    public int Unreachable { get; private set; }

    /// <summary>Answers in a row that refuse for now.</summary>
    public int Refusals { get; private set; }

    /// <summary>Those of them, the last in a row, that may be the fault of the batch.</summary>
    public int Suspicions { get; private set; }

    /// <summary>Whether the batch may be the reason why it is refused: another one should be tried before it.</summary>
    /// <remarks>
    /// Zipkin's receivers answer 500 for both reasons. A proxy that answers 502, 503 or 504 to one body, because it is too large or ends
    /// the service behind it, does so for ever; a receiver without room seldom refuses the same batch for a minute and takes another.
    /// </remarks>
    public bool IsBatchSuspect => Suspicions > 0
        ? Suspicions % AttemptsBetweenChecks == 0
        : Refusals >= LongRefusal && Refusals % AttemptsBetweenChecks == 0 && _isJudgedByBatch && time.GetElapsedTime(_refusedSince) >= LongTime;

    /// <summary>How long to wait before a deferred batch is tried again.</summary>
    public TimeSpan DeferredFor { get; private set; }

    public void Connect() => destination.Connect();

    /// <summary>Delivers a batch and calls <paramref name="settle"/> with what to count when it is done with.</summary>
    public DeliveryResult Deliver(SpanBatch batch, Action<SpanBatch, long, DropReason> settle)
    {
        destination.Prepare(batch);
        var begun = time.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            var attempt = Send(Least(settings.Timeout - time.GetElapsedTime(begun), stop.Remaining));
            if (attempt.Cause is not null) log.Failed(attempt.Cause, ledger.TotalDropped);

            Unreachable = attempt.Outcome == AttemptOutcome.Unreachable ? Unreachable + 1 : 0;
            Refusals = attempt.Outcome == AttemptOutcome.Later ? Refusals + 1 : 0;
            if (Refusals == 1) _refusedSince = time.GetTimestamp();
            _isJudgedByBatch = attempt.Status != 429;
            Suspicions = attempt.MayBeTheBatch ? Suspicions + 1 : 0;
            switch (attempt.Outcome)
            {
                case AttemptOutcome.Unreachable:
                    return DeliveryResult.Kept;
                case AttemptOutcome.Later:
                    DeferredFor = attempt.RetryAfter ?? RetryPolicy.Delay(Refusals - 1, Random.Shared.NextDouble());
                    return DeliveryResult.Deferred;
                case AttemptOutcome.Taken:
                    var rejected = Math.Min(attempt.Rejected, batch.Count);
                    settle(batch, rejected, DropReason.Rejected);
                    if (attempt.Cause is null) log.Worked(ledger.TotalDropped);
                    return rejected == 0 ? DeliveryResult.Delivered : DeliveryResult.Lost;
                case AttemptOutcome.Refused:
                    settle(batch, batch.Count, DropReason.Rejected);
                    return DeliveryResult.Lost;
            }

            var delay = RetryPolicy.Delay(attempts - 1, Random.Shared.NextDouble());
            if (!TryPause(delay, settings.Timeout - time.GetElapsedTime(begun)))
            {
                settle(batch, batch.Count, stop.IsSet ? DropReason.Shutdown : DropReason.Timeout);
                return DeliveryResult.Lost;
            }

            ledger.Retry();
        }
    }

    /// <summary>Sends a batch once and returns whether the collector took all of it.</summary>
    public bool TryOnce(SpanBatch batch)
    {
        destination.Prepare(batch);
        var attempt = Send(Least(settings.Timeout, stop.Remaining));
        if (attempt is not { Outcome: AttemptOutcome.Taken, Rejected: 0 }) return false;
        return true;
    }

    /// <summary>Notes that the collector takes spans again.</summary>
    public void Worked()
    {
        (Refusals, Suspicions) = (0, 0);
        log.Worked(ledger.TotalDropped);
    }

    /// <summary>Waits before the next attempt.</summary>
    /// <param name="delay">How long.</param>
    /// <param name="limit">A wait that is not shorter than this, or than the time that a stop leaves, is not begun.</param>
    /// <returns>False when the next attempt would come too late.</returns>
    public bool TryPause(TimeSpan delay, TimeSpan limit)
    {
        if (delay >= Least(limit, stop.Remaining)) return false;
        var start = time.GetTimestamp();
        if (!stop.IsSet)
        {
            _alarm.Wait(stop.Stopping, delay);
            if (!stop.IsSet) return true;
            // The process ends in the middle of the pause. When there is no time for the rest of it, one attempt is made at once.
            delay -= time.GetElapsedTime(start);
            if (delay >= stop.Remaining) return true;
        }

        _alarm.Wait(stop.Abort.WaitHandle, delay);
        return !stop.Abort.IsCancellationRequested;
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

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan Longest(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
