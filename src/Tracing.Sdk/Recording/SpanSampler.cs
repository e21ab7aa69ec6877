using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>Decides which activities are created and recorded: the <see cref="ActivityListener.Sample"/> of a recorder.</summary>
/// <remarks>Any thread.</remarks>
/// <param name="ownership">Tells what is recorded here, and what elsewhere.</param>
/// <param name="filter">Which sources are listened to.</param>
/// <param name="rulesInForce">Which traces to record, and what is ignored.</param>
/// <param name="metrics">Counts the decisions.</param>
/// <param name="warnings">Reports other tracing in the process.</param>
/// <param name="endedParents">Finds the spans whose parent ended long ago.</param>
/// <param name="details">The server spans that run, which note their children.</param>
/// <param name="hasHook">Whether a <see cref="BeforeExportHook"/> exists, in which spans may start.</param>
internal sealed class SpanSampler(
    SpanOwnership ownership, SourceFilter filter, RulesInForce rulesInForce, SpanMetrics metrics, CoexistenceWarnings warnings, EndedParents endedParents, DetailTable details,
    bool hasHook)
{
    private static readonly SamplingDecision IgnoredSource = SamplingDecision.Refuse(DecisionReason.IgnoredSource);
    private static readonly SamplingDecision BackgroundPoll = SamplingDecision.Refuse(DecisionReason.BackgroundPoll);

    [ThreadStatic]
    private static SamplingDecision? t_decision;

    /// <summary>What was decided on this thread about the request or the root span that started last; null when nothing was.</summary>
    public static SamplingDecision? LastDecision
    {
        get => t_decision;
        set => t_decision = value;
    }

    /// <summary>Decides for an activity that is about to start.</summary>
    public ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        if (hasHook && BeforeExportHook.IsRunning) return Refuse(ref options, ActivitySamplingResult.None);

        // :: Step 1: a child of a recorded span that still runs, which most spans are
        var parent = options.Parent;
        var isChild = !parent.IsRemote && (parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !SpanOwnership.ForeignSpansExist;
        if (isChild && Activity.Current is not { IsStopped: true } && !SpanOwnership.IsShared && !OpenTelemetrySdk.IsLoaded) return ActivitySamplingResult.AllDataAndRecorded;

        // :: Step 2: flows and requests that are not recorded here
        if (Suppression.IsActive) return RefuseUncreated(ref options, DecisionReason.Suppressed);
        ownership.ForgetRefusal();
        warnings.CheckRecording();
        if (isChild && Activity.Current is not { IsStopped: true } && !SpanOwnership.IsShared) return ActivitySamplingResult.AllDataAndRecorded;
        var remote = RemoteContext.Current;
        if (ownership.IsOfAnother(remote)) return RefuseUncreated(ref options, DecisionReason.AnotherHost);
        if (remote is { Ignored: not null }) return Refuse(ref options, NeedsActivity(options) ? ActivitySamplingResult.PropagationData : ActivitySamplingResult.None);

        // :: Step 3: a parent that ended long ago is none any more
        if (parent.TraceId != default && !parent.IsRemote && endedParents.TryCut(ref options, rulesInForce.Current.EndedParentTimeout)) return ActivitySamplingResult.AllDataAndRecorded;

        // :: Step 4: the parent decides
        bool record;
        if (parent.TraceId == default)
        {
            if (rulesInForce.Current.Ignored.IsRound(options.Source.Name, options.Name)) return Refuse(ref options, ActivitySamplingResult.None);
            var state = OutgoingIds.GetHint(remote);
            record = Decide(state, remote, isRoot: true, ref options);
            if (record && remote?.Owner is null && ownership.IsSecond) warnings.RecordedTwice();
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
                details.NoteChildOf(sampled);
                return Follow(ownership.IsRecorded(sampled), ref options);
            }

            record = Decide(OutgoingIds.GetCallerState(top), remote, isRoot: top.ParentSpanId == default, ref options);
        }
        else if (Marker.Find(parent.TraceState).IsUndecided)
        {
            record = Decide(SamplingState.Defer, remote: null, isRoot: false, ref options);
        }
        else
        {
            // A context that the application kept, or that a library read from a message without calling it remote. Outside of any activity nothing else carries a refusal.
            var isReceived = options.Kind is ActivityKind.Consumer or ActivityKind.Server || Activity.Current is null;
            return Follow((parent.TraceFlags & ActivityTraceFlags.Recorded) != 0 && !ownership.IsForeign(parent), ref options, isReceived);
        }

        return record ? ActivitySamplingResult.AllDataAndRecorded : Refuse(ref options, ActivitySamplingResult.PropagationData);
    }

    /// <summary>Decides for a root that has started: it lost its parent when it was sampled, and had no trace id yet.</summary>
    public SamplingDecision DecideRoot(Activity root)
    {
        var rules = rulesInForce.Current;
        var decision = FindIgnored(rules.Ignored, root.Source.Name, root.OperationName, isRoot: true, SamplingState.Defer)
            ?? rules.Sampling.Decide(root) ?? rules.Sampler.DecideAlone(root.TraceId, root.TraceStateString, DecisionReason.EndedParent);
        decision.WriteTo(root);
        metrics.Decided(decision);
        t_decision = decision;
        return decision;
    }

    /// <summary>Decides by this service's own ratio for a request whose caller's decision does not hold.</summary>
    /// <param name="activity">The request's activity.</param>
    /// <param name="trust">How far the caller is trusted.</param>
    public SamplingDecision DecideByRatio(Activity activity, TraceTrust trust) =>
        rulesInForce.Current.Sampler.DecideAlone(activity.TraceId, activity.TraceStateString, ReasonOf(trust) ?? DecisionReason.Ratio);

    // For the first span of a trace in this process: a root, or the child of what came in.
    private bool Decide(SamplingState state, RemoteContext? remote, bool isRoot, ref ActivityCreationOptions<ActivityContext> options)
    {
        var rules = rulesInForce.Current;
        var decision = FindIgnored(rules.Ignored, options.Source.Name, options.Name, isRoot, state);
        if (decision is null && rules.Sampling.AnyForSpans && !IsWebRequest(options)) decision = rules.Sampling.Decide(ref options, state);
        decision ??= rules.Sampler.Decide(state, ref options, OwnReason(state, remote, isRoot));
        metrics.Decided(decision);
        // The web half knows the path of a request.
        if (!decision.IsRecorded && !IsWebRequest(options)) metrics.Refusals.Add(decision.Reason, options.Name);
        t_decision = decision;
        return decision.IsRecorded;
    }

    private static SamplingDecision? FindIgnored(IgnoreRules rules, string source, string name, bool isRoot, SamplingState state)
    {
        if (isRoot)
        {
            return rules.FindRoot(source, name) switch
            {
                DecisionReason.IgnoredSource => IgnoredSource,
                DecisionReason.BackgroundPoll => BackgroundPoll,
                _ => null,
            };
        }

        // The other end of a poll, in this process or another: its caller says no for the same reason.
        return state == SamplingState.Deny && rules.IsPoll(source, name) ? BackgroundPoll : null;
    }

    // The platform asks for the headers of a call only inside an activity.
    private static bool NeedsActivity(in ActivityCreationOptions<ActivityContext> options) =>
        options.Parent.TraceId == default && options.Source.Name == SourceNames.HttpClient;

    // The middleware applies the rules to requests, where path and host are known.
    private static bool IsWebRequest(in ActivityCreationOptions<ActivityContext> options) =>
        options.Kind == ActivityKind.Server && SourceNames.IsHttpServer(options.Source.Name);

    // Why this service's own ratio decides, if it does.
    private static DecisionReason OwnReason(SamplingState state, RemoteContext? remote, bool isRoot) =>
        ReasonOf(remote?.Trust) ?? (state == SamplingState.Defer && !isRoot ? DecisionReason.CallerUndecided : DecisionReason.Ratio);

    private static DecisionReason? ReasonOf(TraceTrust? trust) => trust switch
    {
        TraceTrust.Restart => DecisionReason.Restarted,
        TraceTrust.TrustIdsOnly => DecisionReason.Limited,
        _ => null,
    };

    // Only the first span of a trace in this process is counted: what would be its children has the same reason.
    private ActivitySamplingResult RefuseUncreated(ref ActivityCreationOptions<ActivityContext> options, DecisionReason reason)
    {
        if (options.Parent.TraceId == default || options.Parent.IsRemote)
        {
            metrics.Decided(reason, isRecorded: false);
            metrics.Refusals.Add(reason, options.Name);
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
        ownership.Refuse(ref options);
        return result;
    }

    // The nearest ancestor that this recorder has sampled, and the local root.
    private (Activity? Sampled, Activity Top) FindSampled(Activity activity)
    {
        while (true)
        {
            if (filter.Accepts(activity.Source)) return (activity, activity);
            if (activity.Parent is not { } parent) return (null, activity);
            activity = parent;
        }
    }
}
