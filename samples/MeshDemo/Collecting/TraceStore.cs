using MeshDemo.Traces;

namespace MeshDemo.Collecting;

/// <summary>The spans of the latest traces, in bounded memory: the oldest trace goes first.</summary>
internal sealed class TraceStore(long maxBytes = 32 * 1024 * 1024)
{
    // What a span costs beside its text; measured roughly, a bound need not be exact.
    private const int BytesPerSpan = 400, BytesPerEntry = 100;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, StoredTrace> _traces = [];
    private readonly LinkedList<string> _oldestFirst = [];
    private long _bytes;
    private long _dropped;

    /// <summary>Spans that were not kept, because their trace alone would have filled an eighth of the memory.</summary>
    public long Dropped
    {
        get
        {
            lock (_lock)
                return _dropped;
        }
    }

    public void Add(IEnumerable<Span> spans)
    {
        lock (_lock)
        {
            foreach (var span in spans)
                Add(span);
        }
    }

    /// <summary>The spans of a trace in the order of their arrival; empty when there is none.</summary>
    public IReadOnlyList<Span> Find(string traceId)
    {
        lock (_lock)
            return _traces.TryGetValue(traceId, out var trace) ? [.. trace.Spans] : [];
    }

    /// <summary>The latest traces, newest first.</summary>
    public IReadOnlyList<IReadOnlyList<Span>> Latest(int count)
    {
        lock (_lock)
            return [.. _oldestFirst.Reverse().Take(count).Select(id => _traces[id].Spans.ToArray())];
    }

    private void Add(Span span)
    {
        var size = SizeOf(span);
        if (!_traces.TryGetValue(span.TraceId, out var trace))
        {
            trace = new StoredTrace();
            _traces.Add(span.TraceId, trace);
            _oldestFirst.AddLast(span.TraceId);
        }

        if (trace.Bytes + size > maxBytes / 8)
        {
            _dropped++;
            return;
        }

        trace.Spans.Add(span);
        trace.Bytes += size;
        _bytes += size;
        while (_bytes > maxBytes)
            DropOldest();
    }

    private void DropOldest()
    {
        var id = _oldestFirst.First!.Value;
        _oldestFirst.RemoveFirst();
        _traces.Remove(id, out var trace);
        _bytes -= trace!.Bytes;
    }

    private static long SizeOf(Span span) =>
        BytesPerSpan + (2L * (span.Service.Length + span.Name.Length))
        + span.Tags.Sum(tag => BytesPerEntry + (2L * (tag.Key.Length + tag.Value.Length)))
        + span.Events.Sum(e => BytesPerEntry + (2L * e.Name.Length));

    private sealed class StoredTrace
    {
        public List<Span> Spans { get; } = [];

        public long Bytes { get; set; }
    }
}
