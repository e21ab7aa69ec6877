using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>Sends a batch until it is accepted or rejected, or its time is up. Export thread only.</summary>
/// <remarks>A request that may have been received without an answer is repeated within the export's timeout only. A batch of which nothing was sent, and a batch that the
/// collector refuses for now, stay in the buffer for as long as the buffer has room.</remarks>
internal sealed class BatchSender(
    Transport transport, ExporterSettings settings, ExporterMetrics metrics, ExportLog log, StopSignal stop, TimeProvider time) : IDisposable
{
    private const int AttemptsBetweenChecks = 3;
    private const int ManyDeferrals = 12;
    private const int FirstRedirect = 300;
    private const int TooManyRequests = 429;
    private const int InternalServerError = 500;
    private static readonly TimeSpan LongDeferral = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MinTimeout = TimeSpan.FromMilliseconds(1);

    private int _deferrals;
    private bool _isAboutRate;
    private long _deferredSince;
    private int _serverErrors;

    /// <summary>The number of attempts in a row of which nothing was sent.</summary>
    public int UnreachableAttempts { get; private set; }

    /// <summary>The delay before a deferred batch is sent again.</summary>
    public TimeSpan RetryDelay { get; private set; }

    /// <summary>Whether the batch itself may be the reason why it is deferred, so that the one behind it should be sent first.</summary>
    /// <remarks>Zipkin's receivers answer 500 both when they are overloaded and to a bad span. A proxy may answer 502, 503 or 504 to one body for ever, because it is too
    /// large or ends the service behind it; an overloaded receiver seldom refuses one batch for a minute while it accepts another. 429, or RESOURCE_EXHAUSTED with a time to wait, is about the rate,
    /// never about the batch.</remarks>
    public bool ShouldSendNextFirst => _serverErrors > 0
        ? _serverErrors % AttemptsBetweenChecks == 0
        : _deferrals >= ManyDeferrals && _deferrals % AttemptsBetweenChecks == 0 && !_isAboutRate
            && time.GetElapsedTime(_deferredSince) >= LongDeferral;

    public void Connect() => transport.Connect();

    /// <summary>Sends a batch. When it is accepted, rejected or lost, calls <paramref name="settle"/> with the spans to count as dropped.</summary>
    /// <returns><see cref="SendOutcome.TooLarge"/> only for a batch of several spans.</returns>
    public SendOutcome Send(SpanBatch batch, Action<SpanBatch, long, DropReason> settle)
    {
        transport.Prepare(batch);
        var begun = time.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            var result = SendOnce(Min(settings.Timeout - time.GetElapsedTime(begun), stop.Remaining));
            if (result.Message is not null) log.ExportFailed(result, metrics.TotalDropped);
            Count(in result);
            switch (result.Outcome)
            {
                case SendOutcome.Unreachable:
                    return SendOutcome.Unreachable;
                case SendOutcome.Deferred:
                    RetryDelay = result.RetryAfter ?? RetryPolicy.Delay(_deferrals - 1, Random.Shared.NextDouble());
                    return SendOutcome.Deferred;
                case SendOutcome.Accepted:
                    var rejected = Math.Min(result.RejectedSpans, batch.Count);
                    settle(batch, rejected, DropReason.Rejected);
                    if (result.Message is null) log.ExportWorks(metrics.TotalDropped);
                    return rejected == 0 ? SendOutcome.Accepted : SendOutcome.Rejected;
                case SendOutcome.TooLarge when batch.Count > 1:
                    return SendOutcome.TooLarge;
                case SendOutcome.TooLarge:
                    settle(batch, batch.Count, DropReason.TooLarge);
                    return SendOutcome.Rejected;
                case SendOutcome.Rejected:
                    settle(batch, batch.Count, DropReason.Rejected);
                    return SendOutcome.Rejected;
            }

            var delay = RetryPolicy.Delay(attempts - 1, Random.Shared.NextDouble());
            if (!TryWait(delay, settings.Timeout - time.GetElapsedTime(begun)))
            {
                settle(batch, batch.Count, stop.IsSet ? DropReason.Shutdown : DropReason.Timeout);
                return SendOutcome.Rejected;
            }

            metrics.Retry();
        }
    }

    /// <summary>Sends a batch once and returns whether the collector has accepted all of it.</summary>
    public bool TrySend(SpanBatch batch)
    {
        transport.Prepare(batch);
        return SendOnce(Min(settings.Timeout, stop.Remaining)) is { Outcome: SendOutcome.Accepted, RejectedSpans: 0 };
    }

    /// <summary>Ends a series of deferrals, because the collector has accepted another batch.</summary>
    public void EndDeferral()
    {
        (_deferrals, _serverErrors) = (0, 0);
        log.ExportWorks(metrics.TotalDropped);
    }

    /// <summary>Waits before the next attempt.</summary>
    /// <param name="delay">The time to wait.</param>
    /// <param name="limit">The method returns at once when the delay is not shorter than this, or than the time that a stop leaves.</param>
    /// <returns>False when the next attempt would come too late.</returns>
    public bool TryWait(TimeSpan delay, TimeSpan limit)
    {
        if (delay >= Min(limit, stop.Remaining)) return false;
        var start = time.GetTimestamp();
        if (!stop.IsSet)
        {
            time.WaitOne(stop.Stopping, delay);
            if (!stop.IsSet) return true;
            // The stop has begun during the wait. If it leaves no time for the rest of the wait, one attempt is made at once.
            delay -= time.GetElapsedTime(start);
            if (delay >= stop.Remaining) return true;
        }

        time.WaitOne(stop.Abort.WaitHandle, delay);
        return !stop.Abort.IsCancellationRequested;
    }

    public void Dispose() => transport.Dispose();

    private SendResult SendOnce(TimeSpan timeout)
    {
        var start = time.GetTimestamp();
        var result = transport.Send(timeout > MinTimeout ? timeout : MinTimeout, stop.Abort);
        metrics.OnRequest?.Invoke(
            time.GetElapsedTime(start).TotalSeconds,
            result.Status,
            result.RpcStatus,
            result.Outcome == SendOutcome.Accepted ? null : result.RpcStatus ?? (result.Status >= FirstRedirect ? $"{result.Status}" : $"{result.Outcome}"));
        return result;
    }

    private void Count(in SendResult result)
    {
        UnreachableAttempts = result.Outcome == SendOutcome.Unreachable ? UnreachableAttempts + 1 : 0;
        _deferrals = result.Outcome == SendOutcome.Deferred ? _deferrals + 1 : 0;
        if (_deferrals == 1) _deferredSince = time.GetTimestamp();
        _serverErrors = result is { Outcome: SendOutcome.Deferred, Status: InternalServerError } ? _serverErrors + 1 : 0;
        _isAboutRate = result.Status == TooManyRequests || result.RpcStatus == GrpcStatus.ResourceExhausted;
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
