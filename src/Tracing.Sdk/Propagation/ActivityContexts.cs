using System.Diagnostics;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>Conversion to and from <see cref="ActivityContext"/>, whose flags hold two of the four states. The marker in its tracestate holds the other two, for code
/// that gets the ActivityContext and nothing else.</summary>
internal static class ActivityContexts
{
    public static ActivityContext ToActivityContext(in this TraceIds ids, string? traceState)
    {
        var flags = (ids.IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None)
            | (ids.IsRandom ? (ActivityTraceFlags)TraceIds.RandomFlag : ActivityTraceFlags.None);
        return new ActivityContext(ids.ToActivityTraceId(), ids.ToActivitySpanId(), flags, ids.ToActivityTraceState(traceState), isRemote: true);
    }

    /// <summary>A tracestate without a state, with the state that the flags of an <see cref="ActivityContext"/> cannot hold.</summary>
    public static string? ToActivityTraceState(in this TraceIds ids, string? traceState) =>
        ids.HasIds && ids.State is SamplingState.Debug or SamplingState.Defer ? TraceStateList.WithState(traceState, ids.State) : traceState;

    public static OutboundContext ToOutboundContext(in this ActivityContext context) => new(
        context.TraceId.ToHexString(), context.SpanId.ToHexString(), context.StateOf(),
        IsRandom: ((int)context.TraceFlags & TraceIds.RandomFlag) != 0, context.TraceState);

    public static SamplingState StateOf(in this ActivityContext context)
    {
        var marker = Marker.Find(context.TraceState);
        if (marker.IsDebug) return SamplingState.Debug;
        if ((context.TraceFlags & ActivityTraceFlags.Recorded) != 0) return SamplingState.Accept;
        return marker.IsUndecided ? SamplingState.Defer : SamplingState.Deny;
    }
}
