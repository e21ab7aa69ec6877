using System.Text;

namespace Tracing.Sdk.Recording;

/// <summary>What became of the spans that one exporter was given: <c>ended = exported + dropped + in flight</c>.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class SpanLedger
{
    private readonly long[] _dropped = new long[DropReasons.Count];
    private long _exported;
    private long _retries;
    private long _sending;
    private readonly Func<long>? _filtered;
    private Func<(long Spans, long Bytes, long CapacityBytes)> _queue = static () => default;

    /// <param name="componentType">One of the values of <c>otel.component.type</c>, such as <c>otlp_http_span_exporter</c>.</param>
    /// <param name="index">Which of the process's exporters of this type.</param>
    /// <param name="filtered">Counts the spans that never reach an exporter because user code has filtered them out.</param>
    public SpanLedger(string componentType, int index = 0, Func<long>? filtered = null)
    {
        _filtered = filtered;
        ComponentType = componentType;
        ComponentName = $"{componentType}/{index}";
    }

    public string ComponentType { get; }

    public string ComponentName { get; }

    /// <summary>Spans that a collector took.</summary>
    public long Exported => Volatile.Read(ref _exported);

    /// <summary>Spans that are lost, for whatever reason. Those that user code has filtered out are not lost.</summary>
    public long TotalDropped
    {
        get
        {
            var sum = 0L;
            for (var i = 0; i < _dropped.Length; i++) sum += Volatile.Read(ref _dropped[i]);
            return sum;
        }
    }

    /// <summary>Spans in the buffer or on the wire.</summary>
    public long InFlight => _queue().Spans;

    /// <summary>Those of them that are in a request at this moment.</summary>
    public long Sending
    {
        get => Volatile.Read(ref _sending);
        set => Volatile.Write(ref _sending, value);
    }

    /// <summary>Bytes of the buffer in use.</summary>
    public long QueueBytes => _queue().Bytes;

    public long QueueCapacityBytes => _queue().CapacityBytes;

    /// <summary>Requests that were sent again.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Told how long each request took, in seconds, its status (0 without an answer) and what was wrong with it.</summary>
    public Action<double, int, string?>? OnRequest { get; set; }

    public long Dropped(DropReason reason) =>
        reason == DropReason.Filtered ? _filtered?.Invoke() ?? 0 : Volatile.Read(ref _dropped[(int)reason]);

    public void Drop(DropReason reason, long count = 1) => Interlocked.Add(ref _dropped[(int)reason], count);

    public void Export(long count) => Interlocked.Add(ref _exported, count);

    public void Retry() => Interlocked.Increment(ref _retries);

    /// <summary>Tells where the spans in flight are counted.</summary>
    public void Attach(Func<(long Spans, long Bytes, long CapacityBytes)> queue) => _queue = queue;

    /// <summary>"1200 exported, 4 dropped (queue_full 4)": one form for people and machines.</summary>
    public override string ToString() => ToString(isLast: false, out _);

    /// <param name="isLast">Whether the process ends now: spans in flight are then given as dropped.</param>
    /// <param name="spans">All spans of the text.</param>
    public string ToString(bool isLast, out long spans)
    {
        var inFlight = InFlight;
        var exported = Exported;
        var dropped = 0L;
        var reasons = new StringBuilder();
        for (var reason = (DropReason)0; (int)reason < _dropped.Length; reason++)
        {
            var count = Dropped(reason) + (isLast && reason == DropReason.Shutdown ? inFlight : 0);
            if (count == 0) continue;
            dropped += count;
            reasons.Append(reasons.Length == 0 ? " (" : ", ").Append(reason.Name()).Append(' ').Append(count);
        }

        if (reasons.Length > 0) reasons.Append(')');
        spans = exported + dropped + (isLast ? 0 : inFlight);
        return $"{exported} exported, {dropped} dropped{reasons}{(!isLast && inFlight > 0 ? $", {inFlight} in flight" : "")}";
    }
}
