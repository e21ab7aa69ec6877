namespace Tracing.Sdk.Export;

internal static class TimeProviderExtensions
{
    /// <summary>Blocks the thread until the handle is signalled or the delay has passed.</summary>
    /// <remarks>The system's time needs no timer, and so no thread of the pool, which may be exhausted.</remarks>
    public static void WaitOne(this TimeProvider time, WaitHandle handle, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero) return;
        if (time == TimeProvider.System)
        {
            handle.WaitOne(delay);
            return;
        }

        using var elapsed = new AutoResetEvent(false);
        using var timer = time.CreateTimer(Set, elapsed, delay, Timeout.InfiniteTimeSpan);
        WaitHandle.WaitAny([handle, elapsed]);
    }

    // The disposal of a timer does not wait for a callback that has begun, and an exception on the timer's thread would end the process.
    private static void Set(object? elapsed)
    {
        try
        {
            ((AutoResetEvent)elapsed!).Set();
        }
        catch (ObjectDisposedException)
        {
            // The wait has ended.
        }
    }
}
