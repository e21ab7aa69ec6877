namespace Tracing.Sdk.Export;

/// <summary>Tells the export thread that the process ends, by when, and at last that the time is up.</summary>
internal sealed class StopSignal(TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _abort = new();
    private readonly ManualResetEvent _stopping = new(false);
    private long _startedAt;
    private TimeSpan _timeout;
    private volatile bool _isSet;

    public bool IsSet => _isSet;

    /// <summary>Signalled when the stop begins.</summary>
    public WaitHandle Stopping => _stopping;

    /// <summary>Cancelled when the time is up.</summary>
    public CancellationToken Abort => _abort.Token;

    /// <summary>What is left; without end before the stop begins.</summary>
    public TimeSpan Remaining => !_isSet ? TimeSpan.MaxValue
        : _abort.IsCancellationRequested ? TimeSpan.Zero
        : _timeout - time.GetElapsedTime(_startedAt);

    public void Set(TimeSpan timeout)
    {
        _startedAt = time.GetTimestamp();
        _timeout = timeout;
        _isSet = true;
        _stopping.Set();
    }

    public void TimeIsUp()
    {
        try
        {
            _abort.Cancel();
        }
        catch (AggregateException)
        {
            // A callback of the transport has thrown; the thread that stops the exporter must not see that.
        }
    }

    public void Dispose()
    {
        _abort.Dispose();
        _stopping.Dispose();
    }
}
