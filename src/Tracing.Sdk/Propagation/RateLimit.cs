namespace Tracing.Sdk.Propagation;

/// <summary>A token bucket: so many in a second, and a burst after a pause. It is full at the start.</summary>
/// <remarks>Any thread, without a lock. The bucket is one number, the time at which it will be full again (GCRA), so a refusal writes nothing.</remarks>
/// <param name="perSecond">Tokens that flow in, above 0.</param>
/// <param name="burst">Tokens that the bucket holds, at least 1.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimit(double perSecond, double burst, TimeProvider time)
{
    // In ticks of the clock: the time in which one token flows in, and the time in which the bucket fills.
    private readonly long _interval = GetInterval(perSecond, time);
    private readonly long _capacity = (long)(GetInterval(perSecond, time) * burst);
    private long _fullAt = time.GetTimestamp();

    public bool TryTake()
    {
        var now = time.GetTimestamp();
        var fullAt = Volatile.Read(ref _fullAt);
        while (true)
        {
            var next = Math.Max(fullAt, now) + _interval;
            if (next - now > _capacity) return false;
            var before = Interlocked.CompareExchange(ref _fullAt, next, fullAt);
            if (before == fullAt) return true;
            fullAt = before;
        }
    }

    private static long GetInterval(double perSecond, TimeProvider time) => Math.Max(1, (long)(time.TimestampFrequency / perSecond));
}
