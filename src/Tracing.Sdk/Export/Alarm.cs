namespace Tracing.Sdk.Export;

/// <summary>Waiting of a dedicated thread, by any <see cref="TimeProvider"/>.</summary>
/// <remarks>The system's time needs no timer and so no thread of the pool, which may be exhausted when it matters.</remarks>
internal sealed class Alarm(TimeProvider time) : IDisposable
{
    private readonly AutoResetEvent _ring = new(false);

    /// <summary>Waits until the handle is signalled or the time has passed.</summary>
    public void Wait(WaitHandle handle, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero) return;
        if (time == TimeProvider.System)
        {
            handle.WaitOne(delay);
            return;
        }

        using var timer = time.CreateTimer(static ring => ((AutoResetEvent)ring!).Set(), _ring, delay, Timeout.InfiniteTimeSpan);
        WaitHandle.WaitAny([handle, _ring]);
    }

    public void Dispose() => _ring.Dispose();
}
