namespace Tracing.Sdk.Export.Http;

/// <summary>Cancels a request when its time is up, or when the exporter's is.</summary>
/// <remarks>A timer runs on the thread pool, as does everything that HTTP/2 reads. A timer that is late shows that the pool was exhausted, so that the answer may be there
/// and only wait for a thread: the request then gets some more time, and the batch is not lost.</remarks>
internal sealed class RequestDeadline : IDisposable
{
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ended = new();
    private readonly CancellationTokenRegistration _onAbort;
    private readonly TimeProvider _time;
    // Written before the timer is started, and by its callback.
    private long _start;
    private TimeSpan _timeout;
    private readonly ITimer _timer;

    public RequestDeadline(TimeSpan timeout, TimeProvider time, CancellationToken abort)
    {
        _time = time;
        _timeout = timeout;
        _start = time.GetTimestamp();
        // Started by Change, so that the callback finds the timer.
        _timer = time.CreateTimer(static state => ((RequestDeadline)state!).TimeIsUp(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _onAbort = abort.UnsafeRegister(static state => ((RequestDeadline)state!).Cancel(), this);
        _timer.Change(timeout, Timeout.InfiniteTimeSpan);
    }

    public CancellationToken Token => _ended.Token;

    public void Dispose()
    {
        _timer.Dispose();
        _onAbort.Dispose();
        _ended.Dispose();
    }

    private void TimeIsUp()
    {
        if (_time.GetElapsedTime(_start) <= _timeout + MaxDelay)
        {
            Cancel();
            return;
        }

        (_start, _timeout) = (_time.GetTimestamp(), Grace);
        _timer.Change(Grace, Timeout.InfiniteTimeSpan);
    }

    // The user's handler may have registered a callback that throws; it must not throw on the timer's thread or on the one that stops the exporter.
    private void Cancel()
    {
        try
        {
            _ended.Cancel();
        }
        catch (Exception)
        {
            // A callback of the user's handler has thrown, or the request has ended.
        }
    }
}
