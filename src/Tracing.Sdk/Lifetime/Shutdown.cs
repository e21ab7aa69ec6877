using System.Diagnostics;
using System.Runtime.InteropServices;
using Tracing.Sdk.Export;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Lifetime;

/// <summary>Flushes one tracing, and stops it. There is one stop: the first caller starts it, and every other caller waits for it.</summary>
/// <remarks>Any thread. The stop has a thread of its own because the pool may be exhausted.</remarks>
/// <param name="stopRecording">Stops everything that makes spans.</param>
/// <param name="exporters">The exporters; empty when nothing is recorded.</param>
/// <param name="metrics">What became of the spans.</param>
/// <param name="lastLine">Writes it at the end; null when nothing is recorded.</param>
internal sealed class Shutdown(Action stopRecording, SpanExporter[] exporters, SpanMetrics metrics, LastLine? lastLine) : IDisposable, IAsyncDisposable
{
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProcessExit? _processExit;
    private Thread? _thread;
    private int _isStarted;
    private long _startedAt;
    private volatile bool _isProcessEnding;

    private bool IsStarted => Volatile.Read(ref _isStarted) != 0;

    // One deadline for all threads that wait for the stop.
    private TimeSpan TimeToJoin
    {
        get
        {
            // 0 while another thread is about to start the stop.
            var startedAt = Volatile.Read(ref _startedAt);
            var left = startedAt == 0 ? Timeouts.Join : Timeouts.Join - Stopwatch.GetElapsedTime(startedAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>From now on the end of the process stops the tracing, and a signal flushes it.</summary>
    /// <param name="hasHost">Whether a host handles the signals that end the process.</param>
    public void WatchProcess(bool hasHost) => _processExit = new ProcessExit(this, hasHost);

    /// <returns>Whether all spans that have ended were delivered in time.</returns>
    public async Task<bool> FlushAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var delivered = await Task.WhenAll(StartFlushes(timeout, isLast: false, cancellationToken)).WaitAsync(cancellationToken).ConfigureAwait(false);
        return Array.TrueForAll(delivered, d => d);
    }

    /// <summary>Stops, and waits for it.</summary>
    public void Dispose()
    {
        if (Begin() && !_stopped.Task.Wait(TimeToJoin)) lastLine?.WriteLate(_isProcessEnding);
    }

    /// <summary>As <see cref="Dispose"/>, without blocking the calling thread.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Begin()) return;
        try
        {
            await _stopped.Task.WaitAsync(TimeToJoin).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lastLine?.WriteLate(_isProcessEnding);
        }
    }

    /// <summary>Stops because the process ends.</summary>
    public void StopAtProcessExit()
    {
        _isProcessEnding = true;
        Dispose();
    }

    /// <summary>Sends everything and writes the last line before a signal ends the process, but does not stop: the signal can still be cancelled. Waits for the stop when one is under way.</summary>
    /// <returns>False when the tracing has stopped.</returns>
    public bool TryFlushAtSignal()
    {
        _isProcessEnding = true;
        if (!IsStarted) Task.WaitAll(StartFlushes(Timeouts.Shutdown, isLast: true, CancellationToken.None), Timeouts.Shutdown);
        if (IsStarted)
        {
            if (!_stopped.Task.Wait(TimeToJoin)) lastLine?.WriteLate(_isProcessEnding);
            return false;
        }

        lastLine?.Write(isRecording: true, isProcessEnding: true);
        return true;
    }

    /// <summary>The signal did not end the process.</summary>
    public void Continue(PosixSignal signal)
    {
        _isProcessEnding = false;
        if (!IsStarted) lastLine?.WriteContinued(signal);
    }

    // An exporter waits for its collector, so each flush has a thread, which is not one of the pool's.
    private Task<bool>[] StartFlushes(TimeSpan timeout, bool isLast, CancellationToken cancellationToken) => Array.ConvertAll(exporters, e => Task.Factory.StartNew(
        () => e.Flush(timeout, isLast), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    // Starts the stop unless that is done. False on the stop's own thread, which must not wait for itself.
    private bool Begin()
    {
        if (Interlocked.Exchange(ref _isStarted, 1) != 0) return Thread.CurrentThread != Volatile.Read(ref _thread);
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        var thread = new Thread(Run) { IsBackground = true, Name = "Tracing.Sdk stop" };
        _thread = thread;
        try
        {
            thread.UnsafeStart();
        }
        catch (OutOfMemoryException)
        {
            // The system has no thread left.
            _thread = Thread.CurrentThread;
            Run();
        }

        return true;
    }

    private void Run()
    {
        try
        {
            stopRecording();
            // All exporters at the same time: a slow collector does not use up the time of another.
            var begun = Stopwatch.GetTimestamp();
            foreach (var exporter in exporters) exporter.BeginShutdown(Timeouts.Shutdown);
            foreach (var exporter in exporters) exporter.EndShutdown(Timeouts.Shutdown - Stopwatch.GetElapsedTime(begun));
            lastLine?.Write(isRecording: false, _isProcessEnding);
            metrics.Dispose();
        }
        catch (Exception)
        {
            // From code of the application, such as a MeterListener. Unhandled on this thread, it would end the process.
        }
        finally
        {
            // Not earlier: until now the end of the process waits for this stop.
            _processExit?.Dispose();
            _stopped.SetResult();
        }
    }
}

/// <summary>How long a flush and a stop take at most.</summary>
internal static class Timeouts
{
    /// <summary>For a flush that the application asks for, unless it gives a time.</summary>
    public static readonly TimeSpan Flush = TimeSpan.FromSeconds(30);

    /// <summary>For all exporters together to send what is left.</summary>
    public static readonly TimeSpan Shutdown = TimeSpan.FromSeconds(5);

    /// <summary>For threads that wait for the stop. Longer than the stop: only a logger or a listener of the application that hangs exceeds it.</summary>
    public static readonly TimeSpan Join = Shutdown + TimeSpan.FromSeconds(1);

    /// <summary>After a signal: a process that still runs then has cancelled it.</summary>
    public static readonly TimeSpan SignalGrace = TimeSpan.FromSeconds(1);
}
