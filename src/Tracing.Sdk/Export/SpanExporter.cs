using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Console;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Export.Zipkin;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>One destination for spans: takes them from any thread, delivers them from its own, and counts what becomes of each.</summary>
/// <remarks>
/// The thread that ends a span encodes it and copies the bytes into the buffer. A thread that belongs to the exporter, and not to the
/// pool, makes batches by size and by age and sends them: an exhausted pool does not stop it, nor one exporter another.
/// </remarks>
internal sealed class SpanExporter : ISpanExporter, IDisposable
{
    // How long a block has to lie unused until its memory is given back.
    private static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(30);

    // How the export thread waits. Dozing, it wakes by itself within milliseconds and is signalled only when room becomes scarce.
    private const int Awake = 0;
    private const int Dozing = 1;
    private const int Asleep = 2;

    // How long the export thread polls after a batch before it waits for a signal. A signal costs the writer some microseconds, as much as
    // fifty spans; under load writers do not signal.
    private static readonly TimeSpan Doze = TimeSpan.FromMilliseconds(5);

    // Time for the export thread to notice that its time is up and to count the rest itself.
    private static readonly TimeSpan AbortGrace = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    // Dropping has ended when no span was dropped for so long and half of the buffer is free.
    private static readonly TimeSpan DroppingEndsAfter = TimeSpan.FromSeconds(10);

    private readonly ExporterSettings _settings;
    private readonly ExporterMetrics _ledger;
    private readonly TimeProvider _time;

    // Any thread.
    private readonly SpanEncoder _encoder;
    private readonly SpanBuffer _buffer;
    private readonly AutoResetEvent _wake = new(false);
    private int _sleep;

    // Threads that flush or stop, and the export thread.
    private readonly Lock _gate = new();
    private readonly List<FlushRequest> _newRequests = [];
    private readonly StopSignal _stop;
    private bool _isShutdown;
    private bool _isClosed;

    // Export thread.
    private readonly Thread _thread;
    private readonly Delivery _delivery;
    private readonly ExportLog _log;
    private readonly SpanBatch _batch;
    // What follows a batch that the collector keeps refusing.
    private readonly SpanBatch _following;
    private readonly Alarm _alarm;
    // Set when a thread that stops the exporter need not wait any longer.
    private readonly ManualResetEventSlim _finished = new();
    private readonly List<FlushRequest> _requests = [];
    // Spans up to this number of those handed over are sent now, even as a small batch.
    private long _dueUpTo;
    private bool _wasReachable = true;
    private bool _mayDoze;
    // Whether the batch is one that the collector refuses for now.
    private bool _isHeld;
    // Spans that found the buffer full: the count when last read, and the count when dropping began.
    private long _droppedSeen;
    private long _droppedBefore;
    private bool _isDropping;
    private long _droppingSince;
    private long _droppedAt;

    public SpanExporter(ExporterSettings settings, Resource resource, ExporterMetrics ledger, ILogger logger, TimeProvider time)
    {
        _settings = settings;
        _ledger = ledger;
        _time = time;
        _stop = new StopSignal(time);
        _alarm = new Alarm(time);
        _buffer = new SpanBuffer(settings.MaxQueueBytes, settings.MaxBatchSpans, settings.MaxQueuedSpans);
        _log = new ExportLog(logger, settings, time);
        (_encoder, var destination, var maxBatchBytes) = Create(settings, resource, _log, time);
        _batch = new SpanBatch(settings.MaxBatchSpans, maxBatchBytes);
        _following = new SpanBatch(settings.MaxBatchSpans, maxBatchBytes);
        _delivery = new Delivery(destination, settings, ledger, _log, _stop, time);
        ledger.ObserveQueue(() => Volatile.Read(ref _isClosed) ? default : (_buffer.Unsettled, _buffer.UsedBytes, _buffer.CapacityBytes));
        _thread = new Thread(Run) { IsBackground = true, Name = $"Tracing.Sdk {ledger.ComponentName}" };
        // Unsafe: the execution context of the thread that builds the exporter does not flow into its requests.
        _thread.UnsafeStart();
    }

    /// <summary>Takes a span that has ended. Any thread; never throws, never waits.</summary>
    public void Add(Activity activity, in SpanFacts facts)
    {
        var scratch = Scratch.Take();
        try
        {
            var writer = new ByteWriter(scratch, SpanEncoder.MaxSpanBytes);
            var scope = _encoder.Scopes.Get(activity.Source);
            var isError = _encoder.Encode(activity, in facts, scope, ref writer);
            if (writer.Position > SpanEncoder.MaxSpanBytes) throw new SpanTooLargeException();
            var result = _buffer.Append(writer.Written, scope.Index, isError, out var isDue);
            if (result != AppendResult.Appended) _ledger.Drop(result == AppendResult.Full ? DropReason.QueueFull : DropReason.Shutdown);
            if (isDue) Wake();
        }
        catch (SpanTooLargeException)
        {
            _ledger.Drop(DropReason.TooLarge);
        }
        catch (Exception)
        {
            // A tag's value may throw when it is formatted; the code that ends the span must not see that.
            _ledger.Drop(DropReason.Unencodable);
        }

        scratch.Return();
    }

    /// <summary>Sends what was added so far and waits for it.</summary>
    /// <param name="timeout">The time to wait at most.</param>
    /// <param name="isLast">Whether the process is about to end: a collector that was reachable before then has all of the time to come back.</param>
    /// <returns>False when the time did not suffice or some of it was lost.</returns>
    public bool Flush(TimeSpan timeout, bool isLast = false)
    {
        var request = new FlushRequest { IsLast = isLast };
        lock (_gate)
        {
            if (_isShutdown) return false;
            _newRequests.Add(request);
        }

        _wake.Set();
        return request.Done.Wait(timeout) && request.IsDelivered;
    }

    /// <summary>Sends what there is, in the time that there is, and takes nothing more.</summary>
    public void Shutdown(TimeSpan timeout)
    {
        if (BeginShutdown(timeout)) EndShutdown(timeout);
    }

    /// <summary>Takes nothing more, and tells the export thread to send what there is.</summary>
    /// <returns>False when that was done before.</returns>
    public bool BeginShutdown(TimeSpan timeout)
    {
        lock (_gate)
        {
            if (_isShutdown) return false;
            _isShutdown = true;
        }

        _buffer.Close();
        _stop.Set(timeout);
        _wake.Set();
        return true;
    }

    /// <summary>Waits until everything is sent, or the time is up and the rest is counted as dropped.</summary>
    public void EndShutdown(TimeSpan timeout)
    {
        if (!_finished.Wait(timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero))
        {
            _stop.TimeIsUp();
            _finished.Wait(AbortGrace);
        }

        lock (_gate)
        {
            // The thread may still hang in a handler of the user's; what it delivers after this is not counted.
            var left = _buffer.Unsettled;
            Volatile.Write(ref _isClosed, true);
            if (left > 0) _ledger.Drop(DropReason.Shutdown, left);
        }
    }

    public void Dispose() => Shutdown(TimeSpan.Zero);

    private static (SpanEncoder Encoder, Destination Destination, int MaxBatchBytes) Create(
        ExporterSettings settings,
        Resource resource,
        ExportLog log,
        TimeProvider time)
    {
        switch (settings.Kind)
        {
            case ExporterKind.Zipkin:
                return (
                    new ZipkinEncoder(settings.Limits, resource),
                    new HttpTransport(settings, new ZipkinFormat(), log, time),
                    Math.Min(settings.MaxBatchBytes, ZipkinFormat.MaxBatchBytes));
            case ExporterKind.Otlp when settings.Protocol == OtlpProtocol.HttpJson:
                var json = new OtlpJsonEncoder(settings.Limits);
                return (json, new HttpTransport(settings, new OtlpJsonFormat(json.Scopes, resource), log, time), settings.MaxBatchBytes);
            case ExporterKind.Otlp:
                var protobuf = new OtlpProtobufEncoder(settings.Limits);
                return (protobuf, new HttpTransport(settings, new OtlpProtobufFormat(protobuf.Scopes, resource), log, time), settings.MaxBatchBytes);
            default:
                return (new ConsoleEncoder(settings.Limits), new ConsoleDestination(System.Console.OpenStandardOutput()), settings.MaxBatchBytes);
        }
    }

    private void Run()
    {
        _delivery.Connect();
        var sealedAt = _time.GetTimestamp();
        var trimmedAt = sealedAt;
        while (true)
        {
            WatchDropping();
            // :: Step 1: what is asked for, what is old, what is many becomes readable
            var isStopping = _stop.IsSet;
            AcceptFlushRequests();
            if (isStopping || _buffer.IsDue || _time.GetElapsedTime(sealedAt) >= _settings.BatchDelay)
            {
                _buffer.Seal();
                _dueUpTo = _buffer.HandedOver;
                sealedAt = _time.GetTimestamp();
            }

            // :: Step 2: one batch
            if (_isHeld || ((_buffer.Settled < _dueUpTo || _buffer.IsReady) && _buffer.TryTake(_batch)))
            {
                _ledger.Sending = _batch.Count;
                var result = Deliver();
                _ledger.Sending = 0;
                _mayDoze = true;
                var wasReachable = _wasReachable;
                // Before a flush returns, because its caller may then stop us.
                if (result != DeliveryResult.Kept) _wasReachable = true;
                else if (!_stop.IsSet) _wasReachable = false;
                CompleteFlushRequests(result, wasReachable);
                if (result == DeliveryResult.Kept) WaitForCollector();
                else if (result == DeliveryResult.Deferred) WaitUntilItTakes();
                continue;
            }

            // :: Step 3: nothing left
            CompleteFlushRequests(DeliveryResult.Delivered, wasReachable: true);
            if (isStopping)
            {
                if (_buffer.Settled == _buffer.HandedOver) break;
                // A writer is between the two steps of handing over.
                Thread.Yield();
                continue;
            }

            if (_time.GetElapsedTime(trimmedAt) >= TrimInterval)
            {
                _buffer.Trim();
                trimmedAt = _time.GetTimestamp();
            }

            var rest = _settings.BatchDelay - _time.GetElapsedTime(sealedAt);
            Rest(_isDropping && rest > DroppingEndsAfter ? DroppingEndsAfter : rest);
        }

        // Disposing of the handler may take its time: the user's may block, and so may the platform's when the pool is exhausted.
        _finished.Set();
        _delivery.Dispose();
        _alarm.Dispose();
    }

    private DeliveryResult Deliver()
    {
        try
        {
            var result = _delivery.Deliver(_batch, Settle);
            _isHeld = result == DeliveryResult.Deferred;
            if (!_isHeld || !_delivery.IsBatchSuspect || !TryFollowing(ref result)) return result;
            _isHeld = false;
            return result;
        }
        catch (Exception)
        {
            // Out of memory, most likely, and an exception on this thread would end the process.
            _isHeld = false;
            Settle(_batch, _batch.Count, DropReason.Unencodable);
            return DeliveryResult.Lost;
        }
    }

    // Whether the collector takes the spans behind a batch that it keeps refusing. If so, the refused batch is at fault and is dropped.
    private bool TryFollowing(ref DeliveryResult result)
    {
        if (!SpanBuffer.TryTakeAfter(_batch, _following)) return false;
        if (!_delivery.TryOnce(_following))
        {
            _following.Clear();
            return false;
        }

        // Once more: only a batch that is refused while others pass is given up.
        var isTaken = _delivery.TryOnce(_batch);
        result = isTaken ? DeliveryResult.Delivered : DeliveryResult.Lost;
        Settle(_batch, isTaken ? 0 : _batch.Count, DropReason.Rejected);
        Settle(_following, 0, DropReason.Rejected);
        _delivery.Worked();
        return true;
    }

    // The only place where spans leave the buffer and are counted; after EndShutdown has counted the rest, nothing is counted twice.
    private void Settle(SpanBatch batch, long dropped, DropReason reason)
    {
        lock (_gate)
        {
            if (!_isClosed)
            {
                _ledger.Export(batch.Count - dropped);
                if (dropped > 0) _ledger.Drop(reason, dropped);
            }

            _buffer.Settle(batch);
        }
    }

    private void WaitUntilItTakes()
    {
        // In pieces, because the buffer may begin to refuse spans meanwhile.
        var rest = _delivery.DeferredFor;
        while (_delivery.TryPause(rest < LongestPause ? rest : LongestPause, TimeSpan.MaxValue))
        {
            rest -= LongestPause;
            if (rest <= TimeSpan.Zero || _stop.IsSet)
            {
                _ledger.Retry();
                return;
            }

            WatchDropping();
        }

        // The process ends before the next attempt is due.
        _isHeld = false;
        Settle(_batch, _batch.Count, DropReason.Shutdown);
        CompleteFlushRequests(DeliveryResult.Lost, wasReachable: true);
    }

    // One line when the buffer begins to refuse spans, and one when it has taken all of them for a while.
    private void WatchDropping()
    {
        var dropped = _ledger.Dropped(DropReason.QueueFull);
        if (dropped != _droppedSeen)
        {
            _droppedAt = _time.GetTimestamp();
            if (!_isDropping)
            {
                (_isDropping, _droppedBefore, _droppingSince) = (true, _droppedSeen, _droppedAt);
                _log.DroppingBegan();
            }

            _droppedSeen = dropped;
        }
        else if (_isDropping && !_buffer.IsScarce && _time.GetElapsedTime(_droppedAt) >= DroppingEndsAfter)
        {
            _isDropping = false;
            _log.DroppingEnded(dropped - _droppedBefore, _time.GetElapsedTime(_droppingSince, _droppedAt));
        }
    }

    private void WaitForCollector()
    {
        var delay = RetryPolicy.Delay(_delivery.Unreachable - 1, Random.Shared.NextDouble());
        if (_stop.IsSet && (!_wasReachable || delay >= _stop.Remaining))
        {
            // The collector was not reachable before the stop, or the next attempt would come too late: the rest is dropped.
            Settle(_batch, _batch.Count, DropReason.Unreachable);
            while (_buffer.TryTake(_batch)) Settle(_batch, _batch.Count, DropReason.Unreachable);
            return;
        }

        _alarm.Wait(_stop.IsSet ? _stop.Abort.WaitHandle : _wake, delay);
        _ledger.Retry();
    }

    private void Rest(TimeSpan delay)
    {
        // First publish the state, then look at the buffer once more; a writer appends first and reads the state afterwards.
        Interlocked.Exchange(ref _sleep, _mayDoze ? Dozing : Asleep);
        if (!_buffer.IsReady && !_buffer.IsDue)
        {
            // Dozing is a matter of scheduling, so it does not use the TimeProvider.
            if (_mayDoze) _wake.WaitOne(Doze);
            else _alarm.Wait(_wake, delay);
        }

        _mayDoze = false;
        Volatile.Write(ref _sleep, Awake);
    }

    // At most one signal for each time that the export thread sleeps.
    private void Wake()
    {
        var sleep = Volatile.Read(ref _sleep);
        if (sleep == Awake || (sleep == Dozing && !_buffer.IsScarce)) return;
        if (Interlocked.Exchange(ref _sleep, Awake) != Awake) _wake.Set();
    }

    private void AcceptFlushRequests()
    {
        lock (_gate)
        {
            if (_newRequests.Count == 0) return;
            // Blocks leave in the order in which they were handed over, so the flush is complete when this many are settled.
            _buffer.Seal();
            _dueUpTo = _buffer.HandedOver;
            foreach (var request in _newRequests) request.Goal = _dueUpTo;
            _requests.AddRange(_newRequests);
            _newRequests.Clear();
        }
    }

    private void CompleteFlushRequests(DeliveryResult result, bool wasReachable)
    {
        for (var i = _requests.Count - 1; i >= 0; i--)
        {
            var request = _requests[i];
            request.IsPatient |= request.IsLast && wasReachable;
            if (result == DeliveryResult.Kept && request.IsPatient) continue;
            request.IsDelivered &= result is DeliveryResult.Delivered or DeliveryResult.Deferred;
            // Without a connection a flush returns now, not when the collector is back. A batch that is refused for now is waited for.
            if (result != DeliveryResult.Kept && _buffer.Settled < request.Goal) continue;
            request.Done.Set();
            _requests.RemoveAt(i);
        }
    }

    private sealed class FlushRequest
    {
        public ManualResetEventSlim Done { get; } = new();

        /// <summary>How many spans will have left the buffer when all that were in it are gone.</summary>
        public long Goal { get; set; }

        public bool IsDelivered { get; set; } = true;

        public bool IsLast { get; init; }

        /// <summary>Whether it waits although there is no connection, because the collector was reachable when the flush began.</summary>
        public bool IsPatient { get; set; }
    }
}
