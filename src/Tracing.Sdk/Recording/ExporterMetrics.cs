using System.Globalization;
using System.Text;

namespace Tracing.Sdk.Recording;

/// <summary>What became of the spans of one exporter: <c>ended = exported + dropped + in flight</c>.</summary>
/// <remarks>Any thread.</remarks>
/// <param name="componentType">One of the values of <c>otel.component.type</c>, such as <c>otlp_http_span_exporter</c>.</param>
/// <param name="index">Which of the process's exporters of this type.</param>
internal sealed class ExporterMetrics(string componentType, int index = 0)
{
    // Share of the buffer from which on it is a problem. Writers refuse spans without an error a little later.
    private const double NearlyFull = 0.8;

    private readonly long[] _dropped = new long[DropReasons.Count];
    private long _exported;
    private long _retries;
    private long _sending;
    private Func<(long Spans, long Bytes, long CapacityBytes)> _queue = static () => default;

    public string ComponentType { get; } = componentType;
    public string ComponentName { get; } = $"{componentType}/{index}";

    /// <summary>Spans that a collector accepted.</summary>
    public long Exported => Volatile.Read(ref _exported);

    /// <summary>Lost spans.</summary>
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

    /// <summary>Spans in flight that are part of a request at this moment.</summary>
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

    /// <summary>What the export thread reported last.</summary>
    public ExporterState State { get; } = new();

    /// <summary>Called after each request with its duration in seconds, its HTTP status (0 without a response), its gRPC status and its <c>error.type</c>.</summary>
    public Action<double, int, string?, string?>? OnRequest { get; set; }

    public long Dropped(DropReason reason) => Volatile.Read(ref _dropped[(int)reason]);
    public void Drop(DropReason reason, long count = 1) => Interlocked.Add(ref _dropped[(int)reason], count);
    public void Export(long count) => Interlocked.Add(ref _exported, count);
    public void Retry() => Interlocked.Increment(ref _retries);

    /// <summary>The sentence of the log that holds now, or one about a buffer that is nearly full; null when all is well.</summary>
    public string? FindProblem()
    {
        if (State.FullBuffer is { } full) return $"Spans are being dropped since {Format(full.At)}, because the buffer is full: {full.Cause}.";
        if (State.Failure is { } failure) return $"Spans cannot be exported since {Format(failure.At)}. {failure.Cause}";
        var (_, used, capacity) = _queue();
        return used >= capacity * NearlyFull && capacity > 0 ? $"The buffer for {State.Endpoint} is {100 * used / capacity} % full." : null;
    }

    /// <summary>Sets the function that counts what is in flight.</summary>
    public void ObserveQueue(Func<(long Spans, long Bytes, long CapacityBytes)> queue) => _queue = queue;

    /// <summary>"1200 exported, 4 dropped (queue_full 4)": readable by people and by programs.</summary>
    public override string ToString() => ToString(isLast: false, out _);

    /// <param name="isLast">Whether the process ends now: spans in flight are then given as dropped.</param>
    /// <param name="spans">The sum of all numbers in the text.</param>
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

    private static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
