using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export;

/// <summary>Wakes the export thread: for a flush or a stop always, for a writer only when the thread sleeps or room becomes scarce.</summary>
/// <remarks>A signal costs a writer some microseconds, as much as fifty spans. Therefore the export thread polls for a while after each batch, and a writer that finds it
/// polling does not signal; under load writers never signal.</remarks>
internal sealed class ExportThreadSignal(SpanBuffer buffer, TimeProvider time) : IDisposable
{
    private const int Awake = 0;
    private const int Polling = 1;
    private const int Asleep = 2;

    // A matter of thread scheduling, so it does not use the TimeProvider.
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    // Any thread.
    private readonly AutoResetEvent _wake = new(false);
    private int _state = Awake;

    /// <summary>Signalled to wake the export thread.</summary>
    public WaitHandle Handle => _wake;

    /// <summary>Wakes the export thread. Any thread.</summary>
    public void Set() => _wake.Set();

    /// <summary>Wakes the export thread for a writer that has found work for it. Any thread; at most one signal for each sleep.</summary>
    public void SetForWriter()
    {
        var state = Volatile.Read(ref _state);
        if (state == Awake || (state == Polling && !buffer.IsScarce)) return;
        if (Interlocked.Exchange(ref _state, Awake) == Awake) return;
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // The export thread has ended since the state was read. It has settled every span of the buffer, so nothing is left to wake it for.
        }
    }

    /// <summary>Waits for a signal, or until the delay has passed. Export thread only.</summary>
    public void Wait(TimeSpan delay, bool isPolling)
    {
        // The state is published before the buffer is read again, and a writer appends before it reads the state. The exchange is a full
        // fence, so one of the two sees the other, and no wake-up is lost.
        Interlocked.Exchange(ref _state, isPolling ? Polling : Asleep);
        if (!buffer.IsReady && !buffer.IsDue)
        {
            if (isPolling) _wake.WaitOne(PollInterval);
            else time.WaitOne(_wake, delay);
        }

        Volatile.Write(ref _state, Awake);
    }

    public void Dispose() => _wake.Dispose();
}
