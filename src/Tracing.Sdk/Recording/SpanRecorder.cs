using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>Decides which activities are recorded, and hands each to the exporters on the thread that stops it.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class SpanRecorder : IDisposable
{
    private readonly ActivityListener _listener;
    private readonly SpanOwnership _ownership;
    private readonly OutgoingIds _ids;
    private readonly SourceFilter _filter;
    private readonly RulesInForce _rules;
    private readonly ISpanExporter[] _exporters;
    private readonly SpanMetrics _metrics;
    private readonly CoexistenceWarnings _warnings;
    private readonly DetailTable _details = new();
    private volatile bool _isDisposed;

    /// <param name="owner">The tracing of this recorder; requests of another owner are not recorded here.</param>
    /// <param name="filter">Which sources to listen to.</param>
    /// <param name="rules">Which traces to record, and what is ignored.</param>
    /// <param name="randomFlag">Whether traces that start here carry the random flag of W3C level 2.</param>
    /// <param name="exporters">Get the recorded spans.</param>
    /// <param name="metrics">Counts them.</param>
    /// <param name="warnings">Reports other tracing in the process.</param>
    public SpanRecorder(
        object owner, SourceFilter filter, RulesInForce rules, bool randomFlag, ISpanExporter[] exporters, SpanMetrics metrics,
        CoexistenceWarnings warnings)
    {
        (_filter, _rules, _exporters, _metrics, _warnings) = (filter, rules, exporters, metrics, warnings);
        _ownership = new SpanOwnership(owner);
        _ids = new OutgoingIds(_ownership, filter, rules, randomFlag);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => !OtherListeners.IsProbe(source) && filter.ShouldListenTo(source),
            Sample = Sample,
            ActivityStarted = OnStarted,
            ActivityStopped = OnStopped,
            ExceptionRecorder = RecordedExceptions.Add,
        };
    }

    public void Start() => _ownership.Listen(_listener);

    public void Dispose()
    {
        _isDisposed = true;
        _listener.Dispose();
        _ownership.Dispose();
    }

    /// <inheritdoc cref="OutgoingIds.ContextToSend"/>
    public OutboundContext? ContextToSend(Activity? activity) => _ids.ContextToSend(activity);

    /// <inheritdoc cref="OutgoingIds.IsRandom"/>
    public bool IsRandom(Activity activity) => _ids.IsRandom(activity);

    /// <summary>Keeps the details of a running span until it stops.</summary>
    /// <returns>False when the span is not recorded here, or there is no room: its attributes then have to be tags.</returns>
    public bool TryKeep(SpanDetails details) => !_isDisposed && _ids.IsExported(details.Activity) && _details.TryAdd(details);

    /// <summary>Takes back what was decided for a running activity that has no children yet: this service's own sampler decides now.</summary>
    public void DecideAnew(Activity activity)
    {
        ClearState(activity);
        var record = _rules.Current.Sampler.DecideAlone(activity.TraceId);
        if (record == IsRecorded(activity)) return;
        if (!record)
        {
            TakeBack(activity);
            return;
        }

        // The start of a marked activity was not counted as unsampled.
        var isForeign = _ownership.IsMarkedForeign(activity);
        if (!activity.Recorded && !isForeign) _metrics.UnsampledEnded();
        if (isForeign || !_ownership.IsOurs(activity)) _ownership.MarkOurs(activity);
        activity.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
        activity.IsAllDataRequested = true;
        _metrics.SpanStarted(activity);
    }

    /// <summary>Leaves a running activity out of the record as if it had not been sampled: its start is no longer counted.</summary>
    public void TakeBack(Activity activity)
    {
        if (!IsRecorded(activity)) return;
        Unsample(activity);
        _metrics.SpanTakenBack();
    }

    private void Unsample(Activity activity)
    {
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        activity.IsAllDataRequested = false;
        _metrics.UnsampledStarted();
    }

    /// <summary>Whether an activity is recorded, by this recorder.</summary>
    public bool IsRecorded(Activity activity) => activity.Recorded && _ownership.IsOurs(activity);

    private ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        // :: Step 1: a child of a recorded span, which most spans are
        var parent = options.Parent;
        var isChild = !parent.IsRemote && (parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !SpanOwnership.ForeignSpansExist;
        if (isChild && !SpanOwnership.IsShared && !OpenTelemetrySdk.IsLoaded) return ActivitySamplingResult.AllDataAndRecorded;

        // :: Step 2: flows and requests that are not recorded here
        if (Suppression.IsActive) return Refuse(ref options, ActivitySamplingResult.None);
        _ownership.ForgetRefusal();
        _warnings.CheckRecording();
        if (isChild && !SpanOwnership.IsShared) return ActivitySamplingResult.AllDataAndRecorded;
        var remote = RemoteContext.Current;
        if (_ownership.IsOfAnother(remote)) return Refuse(ref options, ActivitySamplingResult.None);

        // :: Step 3: the parent decides
        bool record;
        if (parent.TraceId == default)
        {
            var state = OutgoingIds.GetHint(remote);
            record = _rules.Current.Sampler.Decide(state, ref options);
            if (record && remote?.Owner is null && _ownership.IsSecond) _warnings.RecordedTwice();
            if (record && state == SamplingState.Debug) options = options with { TraceState = TraceStateList.WithState(null, state) };
        }
        else if (parent.IsRemote)
        {
            record = _rules.Current.Sampler.Decide(remote is not null && remote.IsParent(parent.SpanId) ? remote.Ids.State : parent.StateOf(), ref options);
        }
        else if (isChild)
        {
            record = true;
        }
        else if (Activity.Current is { } current && current.SpanId == parent.SpanId)
        {
            var (sampled, top) = FindSampled(current);
            if (sampled is not null) return Follow(IsRecorded(sampled), ref options);
            record = _rules.Current.Sampler.Decide(OutgoingIds.GetCallerState(top), ref options);
        }
        else if (Marker.Find(parent.TraceState).IsUndecided)
        {
            record = _rules.Current.Sampler.Decide(SamplingState.Defer, ref options);
        }
        else
        {
            // A context that the application kept, or that a library read from a message without calling it remote.
            return Follow((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0, ref options, isReceived: options.Kind is ActivityKind.Consumer or ActivityKind.Server);
        }

        return record ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.PropagationData);
    }

    // Children of a refused span are not even created, except those that carry the refusal on: out of the process in a library that starts
    // a span in order to inject it, or into the handling of a message that was received.
    private ActivitySamplingResult Follow(bool isRecorded, ref ActivityCreationOptions<ActivityContext> options, bool isReceived = false) =>
        isRecorded ? ActivitySamplingResult.AllDataAndRecorded
        : Refuse(ref options, isReceived || IsInjected(options) ? ActivitySamplingResult.PropagationData : ActivitySamplingResult.None);

    // Calls by HTTP need no activity: their headers are written from the context around them.
    private static bool IsInjected(in ActivityCreationOptions<ActivityContext> options) =>
        options.Kind == ActivityKind.Producer
        || (options.Kind == ActivityKind.Client && options.Source.Name is not (SourceNames.HttpClient or SourceNames.OwnHttpClient));

    private ActivitySamplingResult Refuse(ref ActivityCreationOptions<ActivityContext> options, ActivitySamplingResult result)
    {
        _ownership.Refuse(ref options);
        return result;
    }

    // The nearest ancestor that this recorder has sampled, and the local root.
    private (Activity? Sampled, Activity Top) FindSampled(Activity activity)
    {
        while (true)
        {
            if (_filter.Accepts(activity.Source)) return (activity, activity);
            if (activity.Parent is not { } parent) return (null, activity);
            activity = parent;
        }
    }

    private void OnStarted(Activity activity)
    {
        if (!activity.Recorded)
        {
            _ownership.ForgetRefusal();
            // When another listener wants its data, at its end it would look like a recorded span whose flag user code has cleared.
            if (activity.IsAllDataRequested) _ownership.MarkForeign(activity);
            else _metrics.UnsampledStarted();
            return;
        }

        if (_ownership.IsForeign(activity)) return;
        if (!HasIds(activity))
        {
            _warnings.NotW3C(activity);
            Unsample(activity);
            return;
        }

        _ownership.Claim(activity);
        // The mark of an undecided trace is for the sampler, which has decided now.
        if (activity is { Parent: not { Recorded: true }, TraceStateString: { } list } && Marker.Find(list).IsUndecided) ClearState(activity);
        _metrics.SpanStarted(activity);
        if (_rules.Current.BaggageKeys is { Length: > 0 } keys) BaggageAttributes.Set(activity, keys);
    }

    // An application can set the hierarchical format for one activity, and can name a parent without a trace id.
    private static bool HasIds(Activity activity)
    {
        if (activity.IdFormat != ActivityIdFormat.W3C) return false;
        var traceId = activity.TraceId.ToHexString();
        return traceId[0] != '0' || traceId.AsSpan().ContainsAnyExcept('0');
    }

    private static void ClearState(Activity activity)
    {
        // Empty, because null would mean the parent's.
        if (activity.TraceStateString is { } list) activity.TraceStateString = TraceStateList.WithState(list, SamplingState.Accept) ?? "";
    }

    private void OnStopped(Activity activity)
    {
        var details = activity.Kind == ActivityKind.Server ? _details.Take(activity) : null;
        if (details is not null && OtherListeners.Hear(activity.Source)) details.SetTags();
        if (!activity.Recorded) OnUnsampledStopped(activity);
        else if (_ownership.IsOurs(activity)) Export(activity, details);
        details?.Release();
    }

    private void Export(Activity activity, SpanDetails? details)
    {
        if (!HasIds(activity))
        {
            // Unsampled at its start, and the flag was set again by user code.
            _metrics.UnsampledEnded();
            return;
        }

        var metadata = _ids.GetMetadata(activity, details);
        foreach (var exporter in _exporters) exporter.Add(activity, metadata);
        // Not before: the last line would miss a span that an exporter is just taking.
        _metrics.SpanEnded();
    }

    private void OnUnsampledStopped(Activity activity)
    {
        // An activity of another listener, or whose start was not seen, is not counted.
        if (_ownership.IsMarkedForeign(activity) || _ownership.IsEarly(activity)) return;
        if (activity.IsAllDataRequested) _metrics.SpanFiltered();
        else _metrics.UnsampledEnded();
    }
}
