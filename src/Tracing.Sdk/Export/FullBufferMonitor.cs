using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>Logs when the buffer begins to refuse spans, and when it has accepted all of them for a while. Export thread only.</summary>
internal sealed class FullBufferMonitor(SpanBuffer buffer, ExporterMetrics metrics, ExportLog log, TimeProvider time)
{
    /// <summary>Dropping has ended when no span was dropped for this time and half of the buffer is free.</summary>
    public static readonly TimeSpan EndDelay = TimeSpan.FromSeconds(10);

    private long _dropped;
    private long _droppedBefore;
    private long _beganAt;
    private long _lastDropAt;

    public bool IsDropping { get; private set; }

    public void Check()
    {
        var dropped = metrics.Dropped(DropReason.QueueFull);
        if (dropped != _dropped)
        {
            _lastDropAt = time.GetTimestamp();
            if (!IsDropping)
            {
                (IsDropping, _droppedBefore, _beganAt) = (true, _dropped, _lastDropAt);
                log.BufferFull();
            }

            _dropped = dropped;
        }
        else if (IsDropping && !buffer.IsScarce && time.GetElapsedTime(_lastDropAt) >= EndDelay)
        {
            IsDropping = false;
            log.BufferHasRoom(dropped - _droppedBefore, time.GetElapsedTime(_beganAt, _lastDropAt));
        }
    }
}
