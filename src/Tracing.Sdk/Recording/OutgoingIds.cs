using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>Chooses the ids that leave the process, in headers and as the parents of exported spans: those of exported spans, and the ids that came in.</summary>
/// <remarks>Any thread.</remarks>
internal sealed class OutgoingIds(SpanOwnership ownership, SourceFilter filter, RulesInForce rules, bool randomFlag)
{
    // On an activity that was taken back: the one that stands for it.
    private const string ReplacementKey = "Tracing.Sdk.Replacement";

    /// <summary>Calls below an activity that was taken back leave with the ids of its replacement.</summary>
    public static void Replace(Activity takenBack, Activity replacement) => takenBack.SetCustomProperty(ReplacementKey, replacement);

    /// <summary>The context that an outbound call sends for an activity: the ids of the nearest exported span, from the activity upwards. Without one, the local root
    /// stands for this hop. Null when there is no context to send.</summary>
    public OutboundContext? ContextToSend(Activity? activity)
    {
        // :: Step 1: activities with hierarchical ids have none to send
        while (activity is { IdFormat: not ActivityIdFormat.W3C }) activity = activity.Parent;
        if (activity is null) return ContextWithoutActivity();

        // :: Step 2: the nearest exported span
        var top = activity;
        var wasSampled = false;
        for (var a = activity; a is not null; a = a.Parent)
        {
            if (IsExported(a)) return new OutboundContext(a.TraceId.ToHexString(), a.SpanId.ToHexString(), GetState(a), IsRandom(a), a.TraceStateString);
            wasSampled |= filter.Accepts(a.Source);
            if (a.IdFormat == ActivityIdFormat.W3C) top = a;
        }

        // :: Step 3: code outside of the endpoint still runs below the activity that was taken back
        if (top.GetCustomProperty(ReplacementKey) is Activity replacement) return ContextToSend(replacement);

        // :: Step 4: nothing is exported here. A span that was sampled was refused; otherwise the caller's decision holds.
        var state = wasSampled || top.ParentSpanId == default ? SamplingState.Deny : GetCallerState(top);
        var traceState = top.TraceStateString;
        if (state == SamplingState.Defer) state = DecideAlone(top.TraceId, ref traceState);
        var isOwnHop = top.ParentSpanId == default || (state == SamplingState.Deny && !MayBeExportedByCaller(top));
        var spanId = isOwnHop ? top.SpanId : top.ParentSpanId;
        return new OutboundContext(top.TraceId.ToHexString(), spanId.ToHexString(), state, IsRandom(top), traceState);
    }

    /// <summary>What is exported of a span beside its activity. Its parent is the nearest exported ancestor, which a reader of the trace will find.</summary>
    public SpanMetadata GetMetadata(Activity activity, SpanDetails? details)
    {
        var parentId = activity.ParentSpanId;
        var isRemote = activity.HasRemoteParent;
        // Below a parent without W3C ids the platform begins another trace.
        for (var a = activity.Parent; a is { IdFormat: ActivityIdFormat.W3C }; a = a.Parent)
        {
            if (IsExported(a))
            {
                (parentId, isRemote) = (a.SpanId, false);
                break;
            }

            (parentId, isRemote) = (a.ParentSpanId, a.HasRemoteParent);
        }

        var flags = (byte)(1 | (IsRandom(activity) ? TraceIds.RandomFlag : 0));
        return new SpanMetadata(parentId, isRemote, flags, GetState(activity) == SamplingState.Debug, details);
    }

    /// <summary>The nearest exported span, from an activity upwards; null when there is none.</summary>
    public Activity? FindExported(Activity? activity)
    {
        while (activity is not null && !IsExported(activity)) activity = activity.Parent;
        return activity;
    }

    public bool IsExported(Activity activity) => ownership.IsRecorded(activity) && filter.Accepts(activity.Source);

    /// <summary>The random flag of W3C level 2. Until .NET 11 the platform drops it at the second generation, so the local root is read.</summary>
    public bool IsRandom(Activity activity)
    {
        var top = activity;
        while (top.Parent is { IdFormat: ActivityIdFormat.W3C } parent) top = parent;
        return top.ParentSpanId == default ? randomFlag : ((int)top.ActivityTraceFlags & TraceIds.RandomFlag) != 0;
    }

    /// <summary>The caller's decision for a local root that was not sampled here (a bare <c>new Activity()</c>, or a source that is not listened to). Its own flag may be
    /// that of another listener, so the headers count.</summary>
    public static SamplingState GetCallerState(Activity top)
    {
        var remote = RemoteContext.Current;
        if (top.ParentSpanId == default) return GetHint(remote);
        if (remote is not null && remote.IsParent(top.ParentSpanId)) return remote.Ids.State;
        return top.Recorded || !Marker.Find(top.TraceStateString).IsUndecided ? GetState(top) : SamplingState.Defer;
    }

    /// <summary>A decision of B3 that came without ids.</summary>
    public static SamplingState GetHint(RemoteContext? remote) => remote is { Ids: { HasIds: false, State: var hint } } ? hint : SamplingState.Defer;

    private static SamplingState GetState(Activity activity) =>
        !activity.Recorded ? SamplingState.Deny
        : activity.TraceStateString is { } list && Marker.Find(list).IsDebug ? SamplingState.Debug
        : SamplingState.Accept;

    private OutboundContext? ContextWithoutActivity()
    {
        if (RemoteContext.Current is not { Ids: { HasIds: true } ids } remote) return null;
        var traceId = ids.ToActivityTraceId();
        var traceState = remote.TraceState;
        var state = ids.State == SamplingState.Defer ? DecideAlone(traceId, ref traceState) : ids.State;
        var spanId = state == SamplingState.Deny && !remote.IsSampledByCaller ? ActivitySpanId.CreateRandom() : ids.ToActivitySpanId();
        return new OutboundContext(traceId.ToHexString(), spanId.ToHexString(), state, ids.IsRandom, traceState);
    }

    private SamplingState DecideAlone(ActivityTraceId traceId, ref string? traceState)
    {
        var decision = rules.Current.Sampler.DecideAlone(traceId, traceState, DecisionReason.CallerUndecided);
        traceState = ProbabilityState.WithThreshold(traceState, decision.Threshold);
        return decision.IsRecorded ? SamplingState.Accept : SamplingState.Deny;
    }

    // For a local root that is not exported. Without the caller's headers: a caller that had sampled would have been followed.
    private bool MayBeExportedByCaller(Activity top) =>
        RemoteContext.Current is { } remote && remote.IsParent(top.ParentSpanId) ? remote.IsSampledByCaller : !rules.Current.Sampler.FollowsParent;
}
