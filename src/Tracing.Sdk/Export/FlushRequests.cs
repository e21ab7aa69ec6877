using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Export;

/// <summary>One call of <see cref="SpanExporter.Flush"/>.</summary>
/// <param name="isLast">Whether the process is about to end.</param>
internal sealed class FlushRequest(bool isLast)
{
    public ManualResetEventSlim Completed { get; } = new();

    // Export thread only; IsDelivered is published by Completed.

    /// <summary>The value of <see cref="SpanBuffer.Settled"/> that completes the flush.</summary>
    public long Goal { get; set; }
    public bool IsDelivered { get; set; } = true;
    public bool IsLast => isLast;

    /// <summary>Whether the flush waits for a connection, because the process ends and the collector was reachable before.</summary>
    public bool WaitsForConnection { get; set; }
}

/// <summary>The flushes that wait for the export thread.</summary>
internal sealed class FlushRequests(SpanBuffer buffer)
{
    // Any thread, under the lock.
    private readonly Lock _lock = new();
    private readonly List<FlushRequest> _new = [];

    // Export thread only.
    private readonly List<FlushRequest> _accepted = [];

    /// <summary>Adds a flush. Any thread.</summary>
    public void Add(FlushRequest request)
    {
        lock (_lock) _new.Add(request);
    }

    /// <summary>Seals the buffer for new flushes and returns whether there are any. Export thread only.</summary>
    public bool Accept()
    {
        lock (_lock)
        {
            if (_new.Count == 0) return false;
            // Blocks leave the buffer in the order in which they were handed over, so a flush is complete when this many spans are settled.
            buffer.Seal();
            foreach (var request in _new) request.Goal = buffer.HandedOver;
            _accepted.AddRange(_new);
            _new.Clear();
            return true;
        }
    }

    /// <summary>Completes the flushes that the outcome of a batch ends. Export thread only.</summary>
    /// <param name="outcome">What became of the batch.</param>
    /// <param name="wasReachable">Whether the collector was reachable before this batch.</param>
    public void Complete(SendOutcome outcome, bool wasReachable)
    {
        for (var i = _accepted.Count - 1; i >= 0; i--)
        {
            var request = _accepted[i];
            request.WaitsForConnection |= request.IsLast && wasReachable;
            if (outcome == SendOutcome.Unreachable && request.WaitsForConnection) continue;
            request.IsDelivered &= outcome is SendOutcome.Accepted or SendOutcome.Deferred;
            // Without a connection a flush returns now. A batch that is refused for now is waited for.
            if (outcome != SendOutcome.Unreachable && buffer.Settled < request.Goal) continue;
            request.Completed.Set();
            _accepted.RemoveAt(i);
        }
    }
}
