namespace Tracing.Sdk.Propagation;

/// <summary>A token bucket of the traces that callers may force in a second. While it is empty, this service's own sampler decides.</summary>
internal sealed class ForcedTraceLimit(int perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = perSecond;
    private long _filled = time.GetTimestamp();

    public bool TryTake()
    {
        // Held for a few nanoseconds, and only in services that set the limit.
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(perSecond, _tokens + (time.GetElapsedTime(_filled, now).TotalSeconds * perSecond));
            _filled = now;
            if (_tokens < 1) return false;
            _tokens--;
            return true;
        }
    }
}
