namespace Tracing.Sdk.Propagation;

/// <summary>A bucket with as many tokens as callers may force traces in a second. An empty one leaves the word to our own sampler.</summary>
internal sealed class ForcedTraceLimit(int perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = perSecond;
    private long _filled = time.GetTimestamp();

    public bool TryTake()
    {
        // Held for a few nanoseconds; only services that set the limit come here.
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
