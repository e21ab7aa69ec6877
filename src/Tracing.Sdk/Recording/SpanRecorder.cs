using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>Follows the activities that <see cref="SpanSampler"/> lets start, and hands each recorded one to the exporters on the thread that stops it.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class SpanRecorder : IDisposable
{
    private static readonly SamplingDecision Cleared = SamplingDecision.Refuse(DecisionReason.Cleared);

    private readonly ActivityListener _listener;
    private readonly SpanOwnership _ownership;
    private readonly OutgoingIds _ids;
    private readonly RulesInForce _rules;
    private readonly ISpanExporter[] _exporters;
    private readonly SpanMetrics _metrics;
    private readonly CoexistenceWarnings _warnings;
    private readonly SpanSampler _sampler;
    private readonly EndedParents _endedParents;
    private readonly BeforeExportHook? _hook;
    private readonly UserCode _userCode;

    // Null where calls of Grpc.Net.Client are recorded.
    private readonly ActivityListener? _ignoredGrpcCalls;
    private readonly DetailTable _details = new();
    private volatile bool _isDisposed;

    /// <param name="owner">The tracing of this recorder; requests of another owner are not recorded here.</param>
    /// <param name="filter">Which sources to listen to.</param>
    /// <param name="rules">Which traces to record, and what is ignored.</param>
    /// <param name="randomFlag">Whether traces that start here carry the random flag of W3C level 2.</param>
    /// <param name="exporters">Get the recorded spans.</param>
    /// <param name="metrics">Counts them.</param>
    /// <param name="warnings">Reports other tracing in the process.</param>
    /// <param name="endedParents">Finds the spans whose parent ended long ago.</param>
    /// <param name="userCode">Reports what the application's functions throw.</param>
    /// <param name="hook">Changes each span before it is exported; null for none.</param>
    public SpanRecorder(
        object owner, SourceFilter filter, RulesInForce rules, bool randomFlag, ISpanExporter[] exporters, SpanMetrics metrics,
        CoexistenceWarnings warnings, EndedParents endedParents, UserCode userCode, BeforeExportHook? hook = null)
    {
        (_rules, _exporters, _metrics, _warnings, _endedParents, _userCode, _hook) = (rules, exporters, metrics, warnings, endedParents, userCode, hook);
        _ownership = new SpanOwnership(owner);
        _ids = new OutgoingIds(_ownership, filter, rules, randomFlag);
        _sampler = new SpanSampler(_ownership, filter, rules, metrics, warnings, endedParents, _details, hasHook: hook is not null);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => !OtherListeners.IsProbe(source) && filter.ShouldListenTo(source),
            Sample = _sampler.Sample,
            ActivityStarted = OnStarted,
            ActivityStopped = OnStopped,
            ExceptionRecorder = OnException,
        };
        if (!filter.Accepts(SourceNames.GrpcClient)) _ignoredGrpcCalls = GrpcCalls.CreateListenerForIgnored();
    }

    public void Start()
    {
        _ownership.Listen(_listener);
        if (_ignoredGrpcCalls is not null) ActivitySource.AddActivityListener(_ignoredGrpcCalls);
        else GrpcCalls.Watch();
    }

    public void Dispose()
    {
        _isDisposed = true;
        _listener.Dispose();
        _ignoredGrpcCalls?.Dispose();
        _ownership.Dispose();
    }

    /// <inheritdoc cref="OutgoingIds.ContextToSend"/>
    public OutboundContext? ContextToSend(Activity? activity)
    {
        NoteSent(activity);
        return _ids.ContextToSend(activity);
    }

    /// <summary>Notes that the id of a server span has left the process: the span counts as one with a child, which its endpoint must not refuse any more.</summary>
    public void NoteSent(Activity? activity)
    {
        if (activity is not null) _details.NoteChildOf(activity);
    }

    /// <inheritdoc cref="OutgoingIds.IsRandom"/>
    public bool IsRandom(Activity activity) => _ids.IsRandom(activity);

    /// <summary>Keeps the details of a running span until it stops.</summary>
    /// <returns>False when the span is not recorded here, or there is no room: its attributes then have to be tags.</returns>
    public bool TryKeep(SpanDetails details) => _ids.IsExported(details.Activity) && TryAdd(details);

    /// <summary>Keeps the details of a running activity that is not recorded, for <see cref="SpanDetails.HasChild"/>.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(SpanDetails details) => !_isDisposed && _details.TryAdd(details);

    /// <inheritdoc cref="DetailTable.NoteChildren"/>
    public void NoteChildren() => _details.NoteChildren();

    /// <summary>Decides by this service's own ratio about a running activity that has no children yet.</summary>
    /// <param name="activity">The activity.</param>
    /// <param name="before">What was decided before.</param>
    /// <param name="trust">How far the caller is trusted.</param>
    public SamplingDecision DecideAnew(Activity activity, SamplingDecision? before, TraceTrust trust)
    {
        ClearState(activity);
        var decision = _sampler.DecideByRatio(activity, trust);
        ChangeDecision(activity, before, decision);
        return decision;
    }

    /// <summary>Changes what was decided about a running activity that has no children yet.</summary>
    /// <param name="activity">The activity.</param>
    /// <param name="before">What was decided before.</param>
    /// <param name="decision">What is decided now.</param>
    public void ChangeDecision(Activity activity, SamplingDecision? before, SamplingDecision decision)
    {
        _metrics.DecisionReplaced(before, decision);
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

    /// <summary>Stops recording a running activity, as if it had not been sampled: its start is no longer counted.</summary>
    public void TakeBack(Activity activity)
    {
        if (!IsRecorded(activity)) return;
        Unsample(activity);
        _metrics.SpanTakenBack();
    }

    /// <summary>Takes back the span of a call that has just started and is ignored. The running code then belongs to what is around the call.</summary>
    public void TakeBackCall(Activity activity, DecisionReason reason)
    {
        if (!IsRecorded(activity)) return;
        TakeBack(activity);
        // A root: its decision is the last one on this thread.
        if (activity.ParentSpanId == default) _metrics.DecisionReplaced(SpanSampler.LastDecision, SamplingDecision.Refuse(reason));
        StepAside(activity);
    }

    /// <summary>Makes the code of a call without a span belong to the activity around it: its log lines would name a span that is not exported.</summary>
    public static void StepAside(Activity call)
    {
        if (Activity.Current == call && !OtherListeners.Hear(call.Source)) Activity.Current = call.Parent;
    }

    /// <summary>Takes back the platform's span of a request that has just started, because the gRPC call around it is its span. The running code then belongs to the call.</summary>
    public void TakeBackAttempt(Activity attempt)
    {
        if (!IsRecorded(attempt)) return;
        _metrics.SpanTakenBack();
        if (OtherListeners.HearCalls)
        {
            _ownership.GiveAway(attempt);
            return;
        }

        // Its data are still requested, or the platform would not add the exception of a request that fails.
        attempt.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        _metrics.UnsampledStarted();
        if (Activity.Current == attempt) Activity.Current = attempt.Parent;
    }

    /// <inheritdoc cref="SpanDetails.TryIgnore"/>
    /// <param name="activity">The activity of the running code.</param>
    public bool TryIgnore(Activity activity)
    {
        while (activity.Parent is { } parent) activity = parent;
        return activity is { Kind: ActivityKind.Server, Recorded: false } && _details.Find(activity)?.TryIgnore() == true;
    }

    /// <summary>Whether an activity is recorded, by this recorder.</summary>
    public bool IsRecorded(Activity activity) => _ownership.IsRecorded(activity);

    private void OnStarted(Activity activity)
    {
        if (EndedParents.Take(activity) is { } ended) BeginTrace(activity, ended);

        // Hosting has put the tracestate that came in back into its activity, after the sampler has decided.
        if (activity is { Kind: ActivityKind.Server, HasRemoteParent: true, TraceStateString: not null } && SourceNames.IsHttpServer(activity.Source.Name)
            && SpanSampler.LastDecision is { IsOfCaller: false } decision)
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
        if (activity.Parent is { } parent) _details.NoteChildOf(parent);
        _metrics.SpanStarted(activity);
        if (_rules.Current.BaggageKeys is { Length: > 0 } keys) BaggageAttributes.Set(activity, keys);
        if (GrpcCalls.IsCall(activity)) BeginCall(activity);
    }

    private void BeginCall(Activity call)
    {
        var ignored = _rules.Current.Ignored;
        if (GrpcCalls.Begin(call) is { } request && ignored.HasCalls && ignored.FindCall(request, _userCode) is { } reason) TakeBackCall(call, reason);
        else if (GrpcCalls.IsExport(call)) Suppress(call);
    }

    // The call stays the current activity, so that its request is left out too and says "not sampled".
    private void Suppress(Activity call)
    {
        TakeBack(call);
        _metrics.DecisionReplaced(SpanSampler.LastDecision, SamplingDecision.Refuse(DecisionReason.Suppressed));
    }

    private void OnException(Activity activity, Exception exception, ref TagList tags)
    {
        if (GrpcCalls.IsBelowCall(activity) && !IsRecorded(activity) && GrpcCalls.Find(activity.Parent) is { } call && IsRecorded(call)) GrpcCalls.Fail(call, exception);
        RecordedExceptions.Add(activity, exception, ref tags);
    }

    private void Unsample(Activity activity)
    {
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        activity.IsAllDataRequested = false;
        _metrics.UnsampledStarted();
    }

    // A span whose parent ended long ago is sampled now, when it has a trace id.
    private void BeginTrace(Activity activity, Activity ended)
    {
        _ownership.LeaveRequest();
        var decision = _sampler.DecideRoot(activity);
        if (!decision.IsRecorded)
        {
            activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            activity.IsAllDataRequested = false;
        }
        else if (_ids.FindExported(ended) is { } origin)
        {
            activity.AddLink(new ActivityLink(origin.Context, new ActivityTagsCollection { ["reason"] = "ended_parent" }));
        }

        _endedParents.Report(activity.Source.Name, _rules.Current.EndedParentTimeout);
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
            if (GrpcCalls.IsCall(activity)) GrpcCalls.End(activity);
            details?.OnStopped();
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
            _metrics.SpanLeftOut();
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
            _metrics.DecisionReplaced(before, Cleared);
            _metrics.SpanLeftOut();
        }
        else if (activity.IsAllDataRequested && !GrpcCalls.IsBelowCall(activity))
        {
            _metrics.SpanLeftOut();
        }
        else
        {
            _metrics.UnsampledEnded();
        }
    }
}
