using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>Accepts spans from any thread, sends them from its own, and counts what becomes of each.</summary>
/// <remarks>The thread that ends a span encodes it and copies the bytes into the buffer. The export thread makes batches by size and by age and sends them. It belongs to
/// this exporter and not to the thread pool, so neither an exhausted pool nor another exporter delays it.</remarks>
internal sealed class SpanExporter : ISpanExporter, IDisposable
{
    // A block that is not used for this time is released.
    private static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(30);

    // Time for the export thread to notice that its time is up and to count the remaining spans itself.
    private static readonly TimeSpan AbortGrace = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    private readonly ExporterSettings _settings;
    private readonly ExporterMetrics _metrics;
    private readonly TimeProvider _time;

    // Any thread.
    private readonly SpanFormat _format;
    private readonly SpanEncoder _encoder;
    private readonly SpanBuffer _buffer;
    private readonly ExportThreadSignal _signal;
    private readonly FlushRequests _flushes;
    private readonly StopSignal _stop;
    // Set when a thread that stops the exporter need not wait any longer. Never disposed of: without a wait handle there is nothing to release.
    private readonly ManualResetEventSlim _finished = new();

    // Threads that flush or stop, and the export thread; under the lock.
    private readonly Lock _lock = new();
    private bool _isShutdown;
    private bool _isClosed;

    // Export thread only.
    private readonly BatchSender _sender;
    private readonly FullBufferMonitor _monitor;
    private readonly SpanBatch _batch;
    // The batch behind one that the collector keeps refusing.
    private readonly SpanBatch _nextBatch;
    // Spans up to this value of SpanBuffer.HandedOver are sent now, even as a small batch.
    private long _dueUpTo;
    private bool _wasReachable = true;
    private bool _shouldPoll;
    // Whether _batch is deferred and is sent again.
    private bool _isDeferred;

    public SpanExporter(ExporterSettings settings, Resource resource, ExporterMetrics metrics, ILogger logger, TimeProvider time)
    {
        _settings = settings;
        _metrics = metrics;
        _time = time;
        _stop = new StopSignal(time);
        _buffer = new SpanBuffer(settings.MaxQueueBytes, settings.MaxBatchSpans, settings.MaxQueuedSpans);
        _signal = new ExportThreadSignal(_buffer, time);
        _flushes = new FlushRequests(_buffer);
        metrics.State.Endpoint = settings.EndpointName;
        var log = new ExportLog(logger, settings, metrics.State, time);
        _format = settings.CreateFormat(settings, resource);
        _encoder = _format.Encoder;
        _monitor = new FullBufferMonitor(_buffer, metrics, log, time);
        var maxBatchBytes = Math.Min(settings.MaxBatchBytes, _format.MaxBatchBytes);
        _batch = new SpanBatch(settings.MaxBatchSpans, maxBatchBytes, ScopeBytes);
        _nextBatch = new SpanBatch(settings.MaxBatchSpans, maxBatchBytes, ScopeBytes);
        _sender = new BatchSender(_format.CreateTransport(log, time), settings, metrics, log, _stop, time);
        metrics.ObserveQueue(() => Volatile.Read(ref _isClosed) ? default : (_buffer.Unsettled, _buffer.UsedBytes, _buffer.CapacityBytes));
        // Unsafe: the execution context of the thread that creates the exporter does not flow into its requests.
        new Thread(Run) { IsBackground = true, Name = $"Tracing.Sdk {metrics.ComponentName}" }.UnsafeStart();
    }

    /// <summary>Accepts a span that has ended. Any thread; does not throw and does not wait.</summary>
    public void Add(Activity activity, in SpanMetadata metadata)
    {
        var scratch = Scratch.Take();
        try
        {
            var writer = new ByteWriter(scratch, SpanEncoder.MaxSpanBytes);
            var scope = _encoder.Scopes.Get(activity.Source);
            var isError = _encoder.Encode(activity, in metadata, scope, ref writer);
            if (writer.Position > _format.MaxSpanBytes(scope)) throw new SpanTooLargeException();
            var result = _buffer.Append(writer.Written, scope.Index, isError, out var isDue);
            if (result != AppendResult.Appended) _metrics.Drop(result == AppendResult.Full ? DropReason.QueueFull : DropReason.Shutdown);
            if (isDue) _signal.SetForWriter();
        }
        catch (SpanTooLargeException)
        {
            _metrics.Drop(DropReason.TooLarge);
        }
        catch (Exception)
        {
            // A tag's value may throw when it is formatted; the exception must not reach the code that ends the span.
            _metrics.Drop(DropReason.Unencodable);
        }

        scratch.Return();
    }

    /// <summary>Sends the spans that were added so far and waits for the result.</summary>
    /// <param name="timeout">The longest time to wait.</param>
    /// <param name="isLast">Whether the process is about to end: a collector that was reachable before then has all of the time to come back.</param>
    /// <returns>False when the time did not suffice or a span was lost.</returns>
    public bool Flush(TimeSpan timeout, bool isLast = false)
    {
        var request = new FlushRequest(isLast);
        lock (_lock)
        {
            if (_isShutdown) return false;
            _flushes.Add(request);
            // Under the lock, so that the signal is not disposed of.
            _signal.Set();
        }

        return request.Completed.Wait(timeout) && request.IsDelivered;
    }

    /// <summary>Accepts no more spans, and sends the remaining ones within the timeout.</summary>
    public void Shutdown(TimeSpan timeout)
    {
        if (BeginShutdown(timeout)) EndShutdown(timeout);
    }

    /// <summary>Accepts no more spans, and tells the export thread to send the remaining ones.</summary>
    /// <returns>False when that was done before.</returns>
    public bool BeginShutdown(TimeSpan timeout)
    {
        lock (_lock)
        {
            if (_isShutdown) return false;
            _isShutdown = true;
        }

        _buffer.Close();
        _stop.Set(timeout);
        _signal.Set();
        return true;
    }

    /// <summary>Waits until all spans are sent, or until the time is up; the remaining ones are then counted as dropped.</summary>
    public void EndShutdown(TimeSpan timeout)
    {
        var isFinished = _finished.Wait(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero);
        if (!isFinished)
        {
            _stop.Cancel();
            isFinished = _finished.Wait(AbortGrace);
        }

        lock (_lock)
        {
            // If the export thread is blocked in a handler of the user's, what it delivers after this is not counted.
            var left = _buffer.Unsettled;
            Volatile.Write(ref _isClosed, true);
            if (left > 0) _metrics.Drop(DropReason.Shutdown, left);
        }

        // A blocked export thread still needs them. Writers never signal a thread that has finished.
        if (!isFinished) return;
        _stop.Dispose();
        _signal.Dispose();
    }

    public void Dispose() => Shutdown(TimeSpan.Zero);

    private void Run()
    {
        _sender.Connect();
        var sealedAt = _time.GetTimestamp();
        var trimmedAt = sealedAt;
        while (true)
        {
            _monitor.Check();
            // :: Step 1: hand over what a flush asks for, what is old, and what is enough for a batch
            var isStopping = _stop.IsSet;
            if (_flushes.Accept()) _dueUpTo = _buffer.HandedOver;
            if (isStopping || _buffer.IsDue || _time.GetElapsedTime(sealedAt) >= _settings.BatchDelay)
            {
                _buffer.Seal();
                _dueUpTo = _buffer.HandedOver;
                sealedAt = _time.GetTimestamp();
            }

            // :: Step 2: send one batch
            if (_isDeferred || ((_buffer.Settled < _dueUpTo || _buffer.IsReady) && _buffer.TryTake(_batch)))
            {
                _metrics.Sending = _batch.Count;
                var outcome = SendBatch();
                _metrics.Sending = 0;
                _shouldPoll = true;
                var wasReachable = _wasReachable;
                // Set before a flush returns, because its caller may then stop the exporter.
                if (outcome != SendOutcome.Unreachable) _wasReachable = true;
                else if (!_stop.IsSet) _wasReachable = false;
                _flushes.Complete(outcome, wasReachable);
                if (outcome == SendOutcome.Unreachable) WaitForConnection();
                else if (outcome == SendOutcome.Deferred) WaitBeforeRetry();
                continue;
            }

            // :: Step 3: nothing is left to send: wait
            _flushes.Complete(SendOutcome.Accepted, wasReachable: true);
            if (isStopping)
            {
                if (_buffer.Settled == _buffer.HandedOver) break;
                // A writer is in the middle of handing over a block.
                Thread.Yield();
                continue;
            }

            if (_time.GetElapsedTime(trimmedAt) >= TrimInterval)
            {
                _buffer.Trim();
                trimmedAt = _time.GetTimestamp();
            }

            var delay = _settings.BatchDelay - _time.GetElapsedTime(sealedAt);
            _signal.Wait(_monitor.IsDropping && delay > FullBufferMonitor.EndDelay ? FullBufferMonitor.EndDelay : delay, _shouldPoll);
            _shouldPoll = false;
        }

        _finished.Set();
        // After the stop has returned, because disposing of the handler may block: the user's may, and the platform's does when the pool is exhausted.
        _sender.Dispose();
    }

    private SendOutcome SendBatch()
    {
        try
        {
            var outcome = _sender.Send(_batch, Settle);
            while (outcome == SendOutcome.TooLarge)
            {
                TakeHalf();
                _metrics.Sending = _batch.Count;
                _metrics.Retry();
                outcome = _sender.Send(_batch, Settle);
            }

            if (outcome == SendOutcome.Deferred && _sender.ShouldSendNextFirst && TrySendNext(ref outcome))
            {
                _isDeferred = false;
                return outcome;
            }

            _isDeferred = outcome == SendOutcome.Deferred;
            return outcome;
        }
        catch (Exception)
        {
            // Most likely out of memory. An exception on this thread would end the process.
            _isDeferred = false;
            Settle(_batch, _batch.Count, DropReason.Unencodable);
            return SendOutcome.Rejected;
        }
    }

    // The smaller limit is kept for later batches, because the collector keeps its own, but not below what every collector takes.
    private void TakeHalf()
    {
        var half = _batch.Bytes / 2;
        var limit = Math.Min(_batch.MaxBytes, Math.Max(half, SpanFormat.MinRequestLimit));
        _batch.MaxBytes = half;
        _buffer.TryTake(_batch);
        _batch.MaxBytes = _nextBatch.MaxBytes = limit;
    }

    private int ScopeBytes(int scope) => _format.ScopeBytes(_encoder.Scopes[scope]);

    // If the collector accepts the batch behind the deferred one, the deferred batch itself is at fault and is dropped.
    private bool TrySendNext(ref SendOutcome outcome)
    {
        if (!SpanBuffer.TryTakeAfter(_batch, _nextBatch)) return false;
        if (!_sender.TrySend(_nextBatch))
        {
            _nextBatch.Clear();
            return false;
        }

        // Sent once more: a batch is dropped only if it is refused while the collector accepts another one.
        var isAccepted = _sender.TrySend(_batch);
        outcome = isAccepted ? SendOutcome.Accepted : SendOutcome.Rejected;
        Settle(_batch, isAccepted ? 0 : _batch.Count, DropReason.Rejected);
        Settle(_nextBatch, 0, DropReason.Rejected);
        _sender.EndDeferral();
        return true;
    }

    // The only place where spans leave the buffer and are counted. After EndShutdown has counted the remaining spans, none is counted twice.
    private void Settle(SpanBatch batch, long dropped, DropReason reason)
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                _metrics.Export(batch.Count - dropped);
                if (dropped > 0) _metrics.Drop(reason, dropped);
            }

            _buffer.Settle(batch);
        }
    }

    private void WaitBeforeRetry()
    {
        // In steps, because the buffer may begin to refuse spans meanwhile.
        var rest = _sender.RetryDelay;
        while (_sender.TryWait(rest < MaxWait ? rest : MaxWait, TimeSpan.MaxValue))
        {
            rest -= MaxWait;
            if (rest <= TimeSpan.Zero || _stop.IsSet)
            {
                _metrics.Retry();
                return;
            }

            _monitor.Check();
        }

        // The process ends before the next attempt is due.
        _isDeferred = false;
        Settle(_batch, _batch.Count, DropReason.Shutdown);
        _flushes.Complete(SendOutcome.Rejected, wasReachable: true);
    }

    private void WaitForConnection()
    {
        var delay = RetryPolicy.Delay(_sender.UnreachableAttempts - 1, Random.Shared.NextDouble());
        if (_stop.IsSet && (!_wasReachable || delay >= _stop.Remaining))
        {
            // The collector was not reachable before the stop, or the next attempt would come too late: all spans are dropped.
            Settle(_batch, _batch.Count, DropReason.Unreachable);
            while (_buffer.TryTake(_batch)) Settle(_batch, _batch.Count, DropReason.Unreachable);
            return;
        }

        _time.WaitOne(_stop.IsSet ? _stop.Abort.WaitHandle : _signal.Handle, delay);
        _metrics.Retry();
    }
}
