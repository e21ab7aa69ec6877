using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>Decides which activities are recorded, and hands each to the exporters on the thread that stops it.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class SpanRecorder : IDisposable
{
    /// <summary>Other code has cleared the sampled flag.</summary>
    public static readonly SamplingDecision Cleared = new(IsRecorded: false, DecisionReason.Cleared, Threshold: null);

    private readonly ActivityListener _listener;
    private readonly SpanOwnership _ownership;
    private readonly OutgoingIds _ids;
    private readonly SourceFilter _filter;
    private readonly RulesInForce _rules;
    private readonly ISpanExporter[] _exporters;
    private readonly SpanMetrics _metrics;
    private readonly CoexistenceWarnings _warnings;
    private readonly EndedParents _endedParents;
    private readonly BeforeExportHook? _hook;
    private readonly DetailTable _details = new();
    private volatile bool _isDisposed;
    private volatile bool _tracksChildren;

    [ThreadStatic]
    private static SamplingDecision? t_decision;

    /// <param name="owner">The tracing of this recorder; requests of another owner are not recorded here.</param>
    /// <param name="filter">Which sources to listen to.</param>
    /// <param name="rules">Which traces to record, and what is ignored.</param>
    /// <param name="randomFlag">Whether traces that start here carry the random flag of W3C level 2.</param>
    /// <param name="exporters">Get the recorded spans.</param>
    /// <param name="metrics">Counts them.</param>
    /// <param name="warnings">Reports other tracing in the process.</param>
    /// <param name="endedParents">Finds the spans whose parent ended long ago.</param>
    /// <param name="hook">Changes each span before it is exported; null for none.</param>
    public SpanRecorder(
        object owner, SourceFilter filter, RulesInForce rules, bool randomFlag, ISpanExporter[] exporters, SpanMetrics metrics,
        CoexistenceWarnings warnings, EndedParents endedParents, BeforeExportHook? hook = null)
    {
        (_filter, _rules, _exporters, _metrics, _warnings, _endedParents, _hook) = (filter, rules, exporters, metrics, warnings, endedParents, hook);
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

    /// <summary>What was decided on this thread about the request or the root span that started last; null when nothing was.</summary>
    public static SamplingDecision? LastDecision
    {
        get => t_decision;
        set => t_decision = value;
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
    public bool TryKeep(SpanDetails details) => _ids.IsExported(details.Activity) && TryTrack(details);

    /// <summary>Keeps the details of a running activity that is not recorded, for <see cref="SpanDetails.HasChild"/>.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryTrack(SpanDetails details) => !_isDisposed && _details.TryAdd(details);

    /// <summary>Notes from now on whether server spans have children: an endpoint may decide anew about those that have none.</summary>
    public void TrackChildren()
    {
        // Written once: a write for each request would move the cache line between cores.
        if (!_tracksChildren) _tracksChildren = true;
    }

    /// <summary>Decides by this service's own sampler about a running activity that has no children yet.</summary>
    /// <param name="activity">The activity.</param>
    /// <param name="before">What was decided before.</param>
    /// <param name="trust">How far the caller is trusted.</param>
    public SamplingDecision DecideAnew(Activity activity, SamplingDecision? before, TraceTrust trust)
    {
        ClearState(activity);
        var decision = _rules.Current.Sampler.DecideAlone(activity.TraceId, activity.TraceStateString, trust == TraceTrust.Restart ? DecisionReason.Restarted : DecisionReason.Limited);
        Apply(activity, before, decision);
        return decision;
    }

    /// <summary>Changes what was decided about a running activity that has no children yet.</summary>
    /// <param name="activity">The activity.</param>
    /// <param name="before">What was decided before.</param>
    /// <param name="decision">What is decided now.</param>
    public void Apply(Activity activity, SamplingDecision? before, in SamplingDecision decision)
    {
        Count(before, decision);
        var marker = Marker.Find(activity.TraceStateString);
        if (marker.IsUndecided || (marker.IsDebug && !decision.IsRecorded)) ClearState(activity);
        decision.WriteTo(activity);
        if (decision.IsRecorded == IsRecorded(activity)) return;
        if (!decision.IsRecorded)
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
        if (_rules.Current.BaggageKeys is { Length: > 0 } keys) BaggageAttributes.Set(activity, keys);
    }

    /// <summary>Counts a decision in place of the one before.</summary>
    public void Count(SamplingDecision? before, in SamplingDecision decision)
    {
        if (before is { } earlier) _metrics.Undecided(earlier.Reason, earlier.IsRecorded);
        _metrics.Decided(decision.Reason, decision.IsRecorded);
    }

    /// <summary>Takes the count of a decision back, for another one that follows at the start of another activity.</summary>
    public void Uncount(SamplingDecision? decision)
    {
        if (decision is { } earlier) _metrics.Undecided(earlier.Reason, earlier.IsRecorded);
    }

    /// <summary>Leaves a running activity out of the record as if it had not been sampled: its start is no longer counted.</summary>
    public void TakeBack(Activity activity)
    {
        if (!IsRecorded(activity)) return;
        Unsample(activity);
        _metrics.SpanTakenBack();
    }

    /// <summary>Leaves the span of a call out that has just started and is ignored.</summary>
    public void TakeBackCall(Activity activity, DecisionReason reason)
    {
        if (!IsRecorded(activity)) return;
        TakeBack(activity);
        // A root: its decision is the last one on this thread.
        if (activity.ParentSpanId == default) Count(LastDecision, new SamplingDecision(IsRecorded: false, reason, Threshold: null));
    }

    /// <summary>Leaves the request of an activity out if other code has cleared its sampled flag.</summary>
    /// <returns>Whether it is left out.</returns>
    public bool TryLeaveOutCleared(Activity activity)
    {
        while (activity.Parent is { } parent) activity = parent;
        return activity is { Kind: ActivityKind.Server, Recorded: false } && _details.Find(activity)?.TryLeaveOut() == true;
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
        if (_hook is not null && BeforeExportHook.IsRunning) return Refuse(ref options, ActivitySamplingResult.None);

        // :: Step 1: a child of a recorded span that still runs, which most spans are
        var parent = options.Parent;
        var isChild = !parent.IsRemote && (parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !SpanOwnership.ForeignSpansExist;
        if (isChild && Activity.Current is not { IsStopped: true } && !SpanOwnership.IsShared && !OpenTelemetrySdk.IsLoaded) return ActivitySamplingResult.AllDataAndRecorded;

        // :: Step 2: flows and requests that are not recorded here
        if (Suppression.IsActive) return RefuseUncreated(ref options, DecisionReason.Suppressed);
        _ownership.ForgetRefusal();
        _warnings.CheckRecording();
        if (isChild && Activity.Current is not { IsStopped: true } && !SpanOwnership.IsShared) return ActivitySamplingResult.AllDataAndRecorded;
        var remote = RemoteContext.Current;
        if (_ownership.IsOfAnother(remote)) return RefuseUncreated(ref options, DecisionReason.AnotherHost);
        if (remote is { Ignored: not null }) return Refuse(ref options, NeedsActivity(options) ? ActivitySamplingResult.PropagationData : ActivitySamplingResult.None);

        // :: Step 3: a parent that ended long ago is none any more
        if (parent.TraceId != default && !parent.IsRemote && _endedParents.TryCut(ref options, _rules.Current.EndedParentTimeout)) return ActivitySamplingResult.AllDataAndRecorded;

        // :: Step 4: the parent decides
        bool record;
        if (parent.TraceId == default)
        {
            var state = OutgoingIds.GetHint(remote);
            record = Decide(state, remote, isRoot: true, ref options);
            if (record && remote?.Owner is null && _ownership.IsSecond) _warnings.RecordedTwice();
            if (record && state == SamplingState.Debug) options = options with { TraceState = TraceStateList.WithState(null, state) };
        }
        else if (parent.IsRemote)
        {
            var isOfRequest = remote is not null && remote.IsParent(parent.SpanId);
            record = Decide(isOfRequest ? remote!.Ids.State : parent.StateOf(), isOfRequest ? remote : null, isRoot: false, ref options);
        }
        else if (isChild)
        {
            record = true;
        }
        else if (Activity.Current is { } current && current.SpanId == parent.SpanId)
        {
            var (sampled, top) = FindSampled(current);
            if (sampled is not null)
            {
                if (_tracksChildren && sampled.Kind == ActivityKind.Server && _details.Find(sampled) is { } details) details.HasChild = true;
                return Follow(IsRecorded(sampled), ref options);
            }

            record = Decide(OutgoingIds.GetCallerState(top), remote, isRoot: top.ParentSpanId == default, ref options);
        }
        else if (Marker.Find(parent.TraceState).IsUndecided)
        {
            record = Decide(SamplingState.Defer, remote: null, isRoot: false, ref options);
        }
        else
        {
            // A context that the application kept, or that a library read from a message without calling it remote.
            return Follow((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0, ref options, isReceived: options.Kind is ActivityKind.Consumer or ActivityKind.Server);
        }

        return record ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.PropagationData);
    }

    // For the first span of a trace in this process: a root, or the child of what came in.
    private bool Decide(SamplingState state, RemoteContext? remote, bool isRoot, ref ActivityCreationOptions<ActivityContext> options)
    {
        var rules = _rules.Current;
        SamplingDecision decision;
        if (isRoot && rules.Ignored.IsRootIgnored(options.Source.Name))
        {
            decision = new SamplingDecision(IsRecorded: false, DecisionReason.IgnoredSource, Threshold: null);
        }
        else if (!rules.Sampling.HasSpanRules || IsWebRequest(options) || !rules.Sampling.TryDecide(ref options, state, out decision))
        {
            decision = rules.Sampler.Decide(state, ref options, OwnReason(state, remote, isRoot));
        }

        _metrics.Decided(decision.Reason, decision.IsRecorded);
        // The web half knows the path of a request.
        if (!decision.IsRecorded && !IsWebRequest(options)) _metrics.Refusals.Add(decision.Reason, options.Name);
        t_decision = decision;
        return decision.IsRecorded;
    }

    // The platform asks for the headers of a call only inside an activity.
    private static bool NeedsActivity(in ActivityCreationOptions<ActivityContext> options) =>
        options.Parent.TraceId == default && options.Source.Name == SourceNames.HttpClient;

    // The middleware applies the rules to requests, where path and host are known.
    private static bool IsWebRequest(in ActivityCreationOptions<ActivityContext> options) =>
        options.Kind == ActivityKind.Server && options.Source.Name is SourceNames.HttpServer or SourceNames.OwnHttpServer;

    // Why this service's own ratio decides, if it does.
    private static DecisionReason OwnReason(SamplingState state, RemoteContext? remote, bool isRoot) => remote?.Trust switch
    {
        TraceTrust.Restart => DecisionReason.Restarted,
        TraceTrust.TrustIdsOnly => DecisionReason.Limited,
        _ => state == SamplingState.Defer && !isRoot ? DecisionReason.CallerUndecided : DecisionReason.Ratio,
    };

    // Only the first span of a trace in this process is counted: what would be its children has the same reason.
    private ActivitySamplingResult RefuseUncreated(ref ActivityCreationOptions<ActivityContext> options, DecisionReason reason)
    {
        if (options.Parent.TraceId == default || options.Parent.IsRemote)
        {
            _metrics.Decided(reason, isRecorded: false);
            _metrics.Refusals.Add(reason, options.Name);
        }

        return Refuse(ref options, ActivitySamplingResult.None);
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
        if (EndedParents.Take(activity) is { } ended) BeginTrace(activity, ended);

        // Hosting has put the tracestate that came in back into its activity, after the sampler has decided.
        if (activity is { Kind: ActivityKind.Server, HasRemoteParent: true, Source.Name: SourceNames.HttpServer or SourceNames.OwnHttpServer, TraceStateString: not null }
            && t_decision is { IsOfCaller: false } decision)
        {
            decision.WriteTo(activity);
        }

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
        if (_tracksChildren && activity.Parent is { Kind: ActivityKind.Server } parent && _details.Find(parent) is { } details) details.HasChild = true;
        _metrics.SpanStarted(activity);
        if (_rules.Current.BaggageKeys is { Length: > 0 } keys) BaggageAttributes.Set(activity, keys);
    }

    // Decides for a span whose parent ended long ago. Its trace id did not exist when it was sampled.
    private void BeginTrace(Activity activity, Activity ended)
    {
        _ownership.LeaveRequest();
        var rules = _rules.Current;
        var decision = rules.Ignored.IsRootIgnored(activity.Source.Name)
            ? new SamplingDecision(IsRecorded: false, DecisionReason.IgnoredSource, Threshold: null)
            : rules.Sampling.TryDecide(activity, out var byRule) ? byRule
            : rules.Sampler.DecideAlone(activity.TraceId, activity.TraceStateString, DecisionReason.EndedParent);
        decision.WriteTo(activity);
        _metrics.Decided(decision.Reason, decision.IsRecorded);
        t_decision = decision;
        if (!decision.IsRecorded)
        {
            activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            activity.IsAllDataRequested = false;
        }
        else if (_ids.FindExported(ended) is { } origin)
        {
            activity.AddLink(new ActivityLink(origin.Context, new ActivityTagsCollection { ["reason"] = "ended_parent" }));
        }

        _endedParents.Report(activity.Source.Name, rules.EndedParentTimeout);
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
        if (!activity.Recorded)
        {
            OnUnsampledStopped(activity, details);
        }
        else if (_ownership.IsOurs(activity))
        {
            if (details is not null && OtherListeners.Hear(activity.Source)) details.SetTags();
            Export(activity, details);
        }

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
        if (_hook is not null)
        {
            ExportChanged(_hook, activity, in metadata);
            return;
        }

        foreach (var exporter in _exporters) exporter.Add(activity, metadata);
        // Not before: the last line would miss a span that an exporter is just taking.
        _metrics.SpanEnded();
    }

    private void ExportChanged(BeforeExportHook hook, Activity activity, in SpanMetadata metadata)
    {
        var content = SpanContent.Take(activity, in metadata);
        hook.Run(content);
        if (content.IsDropped)
        {
            _metrics.SpanFiltered();
        }
        else
        {
            foreach (var exporter in _exporters) exporter.Add(activity, metadata with { Content = content });
            _metrics.SpanEnded();
        }

        content.Return();
    }

    private void OnUnsampledStopped(Activity activity, SpanDetails? details)
    {
        // An activity of another listener, or whose start was not seen, is not counted.
        if (_ownership.IsMarkedForeign(activity) || _ownership.IsEarly(activity)) return;
        if (details?.Decision is { IsRecorded: true } before)
        {
            Count(before, Cleared);
            _metrics.SpanFiltered();
        }
        else if (activity.IsAllDataRequested)
        {
            _metrics.SpanFiltered();
        }
        else
        {
            _metrics.UnsampledEnded();
        }
    }
}
