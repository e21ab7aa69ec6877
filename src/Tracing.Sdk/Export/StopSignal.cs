namespace Tracing.Sdk.Export;

/// <summary>Tells the export thread that the exporter stops, and when its time is up.</summary>
/// <remarks>Set by the thread that stops the exporter. All members may be read on any thread.</remarks>
internal sealed class StopSignal(TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _abort = new();
    private readonly ManualResetEvent _stopping = new(false);
    // Published by the write to _isSet.
    private long _startedAt;
    private TimeSpan _timeout;
    private volatile bool _isSet;

    public bool IsSet => _isSet;
    public WaitHandle Stopping => _stopping;

    /// <summary>Cancelled when the time is up.</summary>
    public CancellationToken Abort => _abort.Token;

    /// <summary>The time that is left; the largest value before the stop begins.</summary>
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

    public void Cancel()
    {
        try
        {
            _abort.Cancel();
        }
        catch (AggregateException)
        {
            // A callback of the transport has thrown; the exception must not reach the thread that stops the exporter.
        }
    }

    public void Dispose()
    {
        _abort.Dispose();
        _stopping.Dispose();
    }
}
