using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Tracing.Sdk.Recording;

/// <summary>Counts the spans of one tracing: started, ended, and what became of them in each exporter. Publishes the numbers as a meter.</summary>
/// <remarks>Instruments as in https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/. All but the duration are read when a listener asks, so that counting costs a
/// span next to nothing.</remarks>
internal sealed class SpanMetrics : IDisposable
{
    public const string MeterName = "Tracing.Sdk";

    private static readonly KeyValuePair<string, object?> Sampled = new("otel.span.sampling_result", "RECORD_AND_SAMPLE");
    private static readonly KeyValuePair<string, object?> NotSampled = new("otel.span.sampling_result", "DROP");

    // By the bits of ContextConflict.
    private static readonly string[] ConflictNames = ["trace_id", "span_id", "sampled"];

    // Any thread.
    private readonly SpanCounts _counts = new();
    private readonly Meter _meter = new(MeterName, typeof(SpanMetrics).Assembly.GetName().Version?.ToString(3));
    private readonly Histogram<double>? _duration;
    private readonly Lock _gate = new();
    private readonly long[] _conflicts = new long[ConflictNames.Length];
    private ExporterMetrics[] _exporters = [];
    private long _leftOut;
    private long _inferredLeftOut;

    /// <param name="time">The clock of <see cref="Refusals"/>. Default: the system's.</param>
    public SpanMetrics(TimeProvider? time = null)
    {
        Refusals = new RecentRefusals(time ?? TimeProvider.System);
        Publish(() => _meter.CreateObservableCounter(
            "tracing.sdk.context.conflicts",
            () => Enumerable.Range(0, ConflictNames.Length).Select(i => new Measurement<long>(Conflicts(i), new KeyValuePair<string, object?>("tracing.sdk.conflict", ConflictNames[i]))),
            "{request}", "Requests in which the trace headers of two formats disagreed."));
        Publish(() => _meter.CreateObservableCounter(
            "otel.sdk.span.started", () => new Measurement<long>[] { new(Started, Sampled), new(_counts.StartedUnsampled, NotSampled) }, "{span}", "Activities that were started."));
        Publish(() => _meter.CreateObservableCounter("tracing.sdk.decisions", DecisionsByReason, "{decision}", "Requests and root spans, by what decided whether they are recorded."));
        Publish(() => _meter.CreateObservableUpDownCounter("otel.sdk.span.live", () => Live, "{span}", "Spans that were started and have not ended."));
        Publish(() => _meter.CreateObservableCounter("tracing.sdk.span.left_out", () => LeftOut, "{span}", "Spans that were started and that user code has left out."));
        Observe("otel.sdk.processor.span.queue.size", "{span}", "Spans that wait for their request.", exporter => Math.Max(0, exporter.InFlight - exporter.Sending));
        Observe("tracing.sdk.queue.bytes", "By", "Bytes of the buffer in use.", exporter => exporter.QueueBytes);
        Observe("tracing.sdk.queue.capacity", "By", "Bytes that the buffer may use.", exporter => exporter.QueueCapacityBytes);
        Observe("otel.sdk.exporter.span.inflight", "{span}", "Spans that are being sent.", exporter => exporter.Sending);
        Publish(() => _meter.CreateObservableCounter(
            "otel.sdk.processor.span.processed", () => ByReason(atProcessor: true), "{span}",
            "Spans that were handed to an exporter, or with error.type spans that were dropped before."));
        Publish(() => _meter.CreateObservableCounter(
            "otel.sdk.exporter.span.exported", () => ByReason(atProcessor: false), "{span}",
            "Spans that a collector accepted, or with error.type spans that it did not."));
        Publish(() => _meter.CreateObservableCounter(
            "tracing.sdk.exporter.retries",
            () => Volatile.Read(ref _exporters).Select(exporter => new Measurement<long>(exporter.Retries, Tags(exporter))),
            "{request}", "Requests that were sent again."));
        _duration = Publish(() => _meter.CreateHistogram<double>("otel.sdk.exporter.operation.duration", "s", "Time that requests to the collector took."));
    }

    /// <summary>Spans that were sampled and started. One whose sampled flag user code sets later is added when it ends.</summary>
    public long Started
    {
        get
        {
            var ended = Ended + LeftOut;
            return Math.Max(_counts.Started, ended);
        }
    }

    /// <summary>Spans that ended and were given to every exporter.</summary>
    public long Ended => _counts.Ended;

    /// <summary>Spans that started and were not exported by the will of user code: it has cleared their sampled flag while they ran, or <c>Export.BeforeExport</c> has dropped them. One that looks like an
    /// activity that was refused at its start is counted at the latest when no refused activity runs any more.</summary>
    public long LeftOut
    {
        get
        {
            // In this order: an activity that starts and ends between the two readings must not look like one that was left out.
            var ended = _counts.EndedUnsampled;
            var inferred = ended - _counts.StartedUnsampled;
            var known = Volatile.Read(ref _inferredLeftOut);
            while (inferred > known)
            {
                var before = Interlocked.CompareExchange(ref _inferredLeftOut, inferred, known);
                if (before == known) break;
                known = before;
            }

            return Volatile.Read(ref _leftOut) + Math.Max(inferred, known);
        }
    }

    /// <summary>Spans that have started and not ended.</summary>
    public long Live
    {
        get
        {
            var ended = Ended + LeftOut;
            return Math.Max(0, _counts.Started - ended);
        }
    }

    /// <summary>One for each exporter, in the order in which they were added.</summary>
    public IReadOnlyList<ExporterMetrics> Exporters => Volatile.Read(ref _exporters);

    public void SpanStarted() => _counts.Start();

    /// <summary>As <see cref="SpanStarted()"/>; the last line can name the span if it never ends.</summary>
    public void SpanStarted(Activity activity) => _counts.Start(activity);

    /// <summary>Takes the count of one start back: the span is not recorded after all.</summary>
    public void SpanTakenBack() => _counts.TakeBack();
    public void SpanEnded() => _counts.End();

    /// <summary>Counts the end of a span that user code has left out.</summary>
    public void SpanLeftOut() => Interlocked.Increment(ref _leftOut);

    /// <summary>Counts an activity that starts without the sampled flag.</summary>
    public void UnsampledStarted() => _counts.StartUnsampled();

    /// <summary>Counts an activity that ends without the sampled flag, and not by <see cref="SpanLeftOut"/>.</summary>
    public void UnsampledEnded() => _counts.EndUnsampled();

    /// <summary>Counts the decision about a request or a root span.</summary>
    public void Decided(DecisionReason reason, bool isRecorded) => _counts.Decide(IndexOf(reason, isRecorded), 1);

    /// <inheritdoc cref="Decided(DecisionReason, bool)"/>
    public void Decided(SamplingDecision decision) => Decided(decision.Reason, decision.IsRecorded);

    /// <summary>Counts a decision in place of the one before; null when that was not counted.</summary>
    public void DecisionReplaced(SamplingDecision? before, SamplingDecision decision)
    {
        DecisionTakenBack(before);
        Decided(decision);
    }

    /// <summary>Takes the count of a decision back, for another one that follows at the start of another activity. Null when nothing was counted.</summary>
    public void DecisionTakenBack(SamplingDecision? decision)
    {
        if (decision is { } earlier) _counts.Decide(IndexOf(earlier.Reason, earlier.IsRecorded), -1);
    }

    /// <summary>The number of decisions. Not negative: one that is taken back may be read before the one that it takes back.</summary>
    public long Decisions(DecisionReason reason, bool isRecorded) => Math.Max(0, _counts.Decisions(IndexOf(reason, isRecorded)));

    /// <summary>The requests and root spans that were not recorded last.</summary>
    public RecentRefusals Refusals { get; }

    private static int IndexOf(DecisionReason reason, bool isRecorded) => (2 * (int)reason) + (isRecorded ? 1 : 0);

    /// <summary>Counts a request in which two formats disagreed, once for each bit of the conflict.</summary>
    public void Conflict(int kinds)
    {
        for (var i = 0; i < _conflicts.Length; i++)
        {
            if ((kinds & (1 << i)) != 0) Interlocked.Increment(ref _conflicts[i]);
        }
    }

    public long Conflicts(int kind) => Volatile.Read(ref _conflicts[kind]);

    public ExporterMetrics AddExporter(string componentType)
    {
        lock (_gate)
        {
            var exporter = new ExporterMetrics(componentType, _exporters.Count(other => other.ComponentType == componentType));
            var tags = Tags(exporter);
            exporter.OnRequest = (seconds, status, rpcStatus, error) =>
            {
                if (_duration is not { Enabled: true }) return;
                var all = new TagList(tags);
                if (rpcStatus is not null) all.Add("rpc.response.status_code", rpcStatus);
                else if (status > 0) all.Add("http.response.status_code", status);
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
            Volatile.Write(ref _exporters, [.. _exporters, exporter]);
            return exporter;
        }
    }

    /// <summary>"1204 spans started, 1200 exported, 3 dropped (queue_full 3), 1 not ended (System.Net.Http "POST")"; with several exporters the name before each one's part. The
    /// decisions follow when one of them was not to record.</summary>
    public override string ToString() => ToString(isLast: false, isRecording: true);

    /// <param name="isLast">Whether the process ends now: spans in flight are then given as dropped.</param>
    /// <param name="isRecording">Whether spans still start and end. The numbers are read one after the other, so the number of started spans is then the sum of the others.</param>
    public string ToString(bool isLast, bool isRecording)
    {
        var exporters = Volatile.Read(ref _exporters);
        var live = Live;
        var settled = 0L;
        var parts = Array.ConvertAll(exporters, exporter =>
        {
            var part = exporter.ToString(isLast, out var spans);
            settled = Math.Max(settled, spans);
            return exporters.Length == 1 ? $", {part}" : $"; {exporter.ComponentName}: {part}";
        });
        var leftOut = LeftOut;
        var started = isRecording && exporters.Length > 0 ? settled + live + leftOut : Started;
        var decisions = ReadDecisions();
        return $"{started} spans started{string.Concat(parts)}{(leftOut > 0 ? $", {leftOut} left out" : "")}{(live > 0 ? $", {live} not ended{RunningSpans()}" : "")}{(decisions.Refused > 0 ? $"; {decisions}" : "")}";
    }

    /// <summary>The decisions so far.</summary>
    public DecisionSummary ReadDecisions() => DecisionSummary.Read(this);

    /// <summary>Whether a meter is this tracing's: each tracing has a meter of the same name.</summary>
    public bool Owns(Meter meter) => ReferenceEquals(meter, _meter);

    public void Dispose()
    {
        try
        {
            _meter.Dispose();
        }
        catch (Exception)
        {
            // The callback of a MeterListener runs here.
        }

        _counts.Close();
    }

    // At most three different ones: a process can stop with a thousand requests under way.
    private string RunningSpans()
    {
        const int MaxNamed = 3;
        var names = _counts.FindRunning().Select(NameOf).Distinct().ToArray();
        return names.Length == 0 ? "" : $" ({string.Join(", ", names.Take(MaxNamed))}{(names.Length > MaxNamed ? ", ..." : "")})";
    }

    private static string NameOf(Activity activity)
    {
        const int MaxLength = 64;
        var name = activity.DisplayName.ReplaceLineEndings(" ");
        return $"{activity.Source.Name} \"{(name.Length > MaxLength ? name[..MaxLength] + "..." : name)}\"";
    }

    // Creates an instrument. The callbacks of all MeterListeners run here; one that throws does not fail the start.
    private static T? Publish<T>(Func<T> create) where T : class
    {
        try
        {
            return create();
        }
        catch (Exception)
        {
            return null;
        }
    }

    private static KeyValuePair<string, object?>[] Tags(ExporterMetrics exporter) =>
        [new("otel.component.type", exporter.ComponentType), new("otel.component.name", exporter.ComponentName)];

    private IEnumerable<Measurement<long>> DecisionsByReason()
    {
        for (var reason = (DecisionReason)0; (int)reason < DecisionReasons.Count; reason++)
        {
            if (Decisions(reason, isRecorded: true) is > 0 and var recorded) yield return new(recorded, Reason(reason), Sampled);
            if (Decisions(reason, isRecorded: false) is > 0 and var refused) yield return new(refused, Reason(reason), NotSampled);
        }
    }

    private static KeyValuePair<string, object?> Reason(DecisionReason reason) => new("tracing.sdk.decision.reason", reason.Name());

    private void Observe(string name, string unit, string description, Func<ExporterMetrics, long> value) =>
        Publish(() => _meter.CreateObservableUpDownCounter(
            name, () => Volatile.Read(ref _exporters).Select(exporter => new Measurement<long>(value(exporter), Tags(exporter))), unit, description));

    private IEnumerable<Measurement<long>> ByReason(bool atProcessor)
    {
        foreach (var exporter in Volatile.Read(ref _exporters))
        {
            var passed = exporter.Exported;
            for (var reason = (DropReason)0; (int)reason < DropReasons.Count; reason++)
            {
                var dropped = exporter.Dropped(reason);
                if (IsAtProcessor(reason) == atProcessor)
                {
                    if (dropped > 0) yield return new(dropped, [.. Tags(exporter), new("error.type", reason.Name())]);
                }
                else if (atProcessor)
                {
                    passed += dropped;
                }
            }

            yield return new(passed, Tags(exporter));
        }
    }

    // Dropped before it was part of a request.
    private static bool IsAtProcessor(DropReason reason) => reason is DropReason.QueueFull or DropReason.TooLarge or DropReason.Unencodable;
}
