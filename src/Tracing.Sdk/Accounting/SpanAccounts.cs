using System.Diagnostics.Metrics;

namespace Tracing.Sdk.Accounting;

/// <summary>The books of one tracing set-up: spans started and ended, a ledger for each exporter, and the meter that shows them.</summary>
/// <remarks>
/// Instruments as in https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/. All but the duration are read when somebody asks,
/// so that counting costs a span next to nothing.
/// </remarks>
internal sealed class SpanAccounts : IDisposable
{
    public const string MeterName = "Tracing.Sdk";

    // Bit by bit, as the propagation names them.
    private static readonly string[] ConflictNames = ["trace_id", "span_id", "sampled"];

    // Any thread.
    private readonly SpanCounts _counts = new();
    private readonly Meter _meter = new(MeterName, typeof(SpanAccounts).Assembly.GetName().Version?.ToString(3));
    private readonly Histogram<double>? _duration;
    private readonly Lock _opening = new();
    private readonly long[] _conflicts = new long[3];
    private SpanLedger[] _ledgers = [];

    public SpanAccounts()
    {
        Guarded(() => _meter.CreateObservableCounter(
            "tracing.sdk.context.conflicts",
            () => Enumerable.Range(0, ConflictNames.Length).Select(i => new Measurement<long>(Conflicts(i), new KeyValuePair<string, object?>("tracing.sdk.conflict", ConflictNames[i]))),
            "{request}",
            "Requests in which the trace headers of two formats disagreed."));
        Guarded(() => _meter.CreateObservableCounter("otel.sdk.span.started", () => Started, "{span}", "Spans that were sampled and started."));
        Guarded(() => _meter.CreateObservableUpDownCounter("otel.sdk.span.live", () => Started - Ended, "{span}", "Spans that were started and have not ended."));
        Observe("otel.sdk.processor.span.queue.size", "{span}", "Spans that wait for their request.", ledger => Math.Max(0, ledger.InFlight - ledger.Sending));
        Observe("tracing.sdk.queue.bytes", "By", "Bytes of the buffer in use.", ledger => ledger.QueueBytes);
        Observe("tracing.sdk.queue.capacity", "By", "Bytes that the buffer may use.", ledger => ledger.QueueCapacityBytes);
        Observe("otel.sdk.exporter.span.inflight", "{span}", "Spans that are being sent.", ledger => ledger.Sending);
        Guarded(() => _meter.CreateObservableCounter(
            "otel.sdk.processor.span.processed",
            () => ByReason(atProcessor: true),
            "{span}",
            "Spans that were handed to an exporter, or with error.type those that never got so far."));
        Guarded(() => _meter.CreateObservableCounter(
            "otel.sdk.exporter.span.exported",
            () => ByReason(atProcessor: false),
            "{span}",
            "Spans that a collector took, or with error.type those that it did not."));
        Guarded(() => _meter.CreateObservableCounter(
            "tracing.sdk.exporter.retries",
            () => Volatile.Read(ref _ledgers).Select(ledger => new Measurement<long>(ledger.Retries, Tags(ledger))),
            "{request}",
            "Requests that were sent again."));
        _duration = Guarded(() => _meter.CreateHistogram<double>("otel.sdk.exporter.operation.duration", "s", "Time that requests to the collector took."));
    }

    /// <summary>Spans that were sampled and started.</summary>
    public long Started => _counts.Started;

    /// <summary>Spans that ended and were given to every exporter.</summary>
    public long Ended => _counts.Ended;

    /// <summary>One for each exporter, in the order in which they were opened.</summary>
    public IReadOnlyList<SpanLedger> Ledgers => Volatile.Read(ref _ledgers);

    public void SpanStarted() => _counts.Start();

    public void SpanEnded() => _counts.End();

    /// <summary>Counts a request in which two formats disagreed; each bit set is one way to.</summary>
    public void Conflict(int kinds)
    {
        for (var i = 0; i < _conflicts.Length; i++)
        {
            if ((kinds & (1 << i)) != 0) Interlocked.Increment(ref _conflicts[i]);
        }
    }

    public long Conflicts(int kind) => Volatile.Read(ref _conflicts[kind]);

    /// <summary>Opens the ledger of one more exporter.</summary>
    public SpanLedger Open(string componentType)
    {
        lock (_opening)
        {
            var ledger = new SpanLedger(componentType, _ledgers.Count(other => other.ComponentType == componentType));
            var tags = Tags(ledger);
            ledger.OnRequest = (seconds, status, error) =>
            {
                if (_duration is not { Enabled: true }) return;
                var all = new System.Diagnostics.TagList(tags);
                if (status > 0) all.Add("http.response.status_code", status);
                if (error is not null) all.Add("error.type", error);
                try
                {
                    _duration.Record(seconds, all);
                }
                catch (Exception)
                {
                    // The callback of a MeterListener runs here.
                }
            };
            Volatile.Write(ref _ledgers, [.. _ledgers, ledger]);
            return ledger;
        }
    }

    /// <summary>"1204 spans started, 1200 exported, 4 dropped (queue_full 4)"; with several exporters the name before each one's part.</summary>
    public override string ToString()
    {
        var ledgers = Volatile.Read(ref _ledgers);
        var live = Started - Ended is var count and > 0 ? $", {count} not ended" : "";
        return ledgers.Length == 1
            ? $"{Started} spans started, {ledgers[0]}{live}"
            : $"{Started} spans started{string.Concat(ledgers.Select(ledger => $"; {ledger.ComponentName}: {ledger}"))}{live}";
    }

    /// <summary>Whether a meter is this set-up's: each has one of the same name.</summary>
    public bool Owns(Meter meter) => ReferenceEquals(meter, _meter);

    public void Dispose()
    {
        Guarded<object>(() =>
        {
            _meter.Dispose();
            return null;
        });
        _counts.Close();
    }

    // Publishing an instrument, and disposing of the meter, runs the callbacks of every MeterListener. One that throws fails neither the start nor the stop.
    private static T? Guarded<T>(Func<T?> run)
        where T : class
    {
        try
        {
            return run();
        }
        catch (Exception)
        {
            return null;
        }
    }

    private static KeyValuePair<string, object?>[] Tags(SpanLedger ledger) =>
        [new("otel.component.type", ledger.ComponentType), new("otel.component.name", ledger.ComponentName)];

    private void Observe(string name, string unit, string description, Func<SpanLedger, long> value) =>
        Guarded(() => _meter.CreateObservableUpDownCounter(
            name,
            () => Volatile.Read(ref _ledgers).Select(ledger => new Measurement<long>(value(ledger), Tags(ledger))),
            unit,
            description));

    private IEnumerable<Measurement<long>> ByReason(bool atProcessor)
    {
        foreach (var ledger in Volatile.Read(ref _ledgers))
        {
            var passed = ledger.Exported;
            for (var reason = (DropReason)0; (int)reason < DropReasons.Count; reason++)
            {
                var dropped = ledger.Dropped(reason);
                if (IsAtProcessor(reason) == atProcessor)
                {
                    if (dropped > 0) yield return new(dropped, [.. Tags(ledger), new("error.type", reason.Name())]);
                }
                else if (atProcessor)
                {
                    passed += dropped;
                }
            }

            yield return new(passed, Tags(ledger));
        }
    }

    // Lost before a request was made of it.
    private static bool IsAtProcessor(DropReason reason) => reason is DropReason.QueueFull or DropReason.TooLarge or DropReason.Unencodable or DropReason.Restarted;
}
