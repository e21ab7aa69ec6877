using System.Diagnostics;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>Between our numbers and <see cref="ActivityContext"/>, which knows two of the four states: tracestate holds the others.</summary>
internal static class ActivityContexts
{
    public static ActivityContext ToActivityContext(in this TraceIds ids, string? traceState)
    {
        var flags = (ids.IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None)
            | (ids.IsRandom ? (ActivityTraceFlags)TraceIds.RandomFlag : ActivityTraceFlags.None);
        return new ActivityContext(ids.ToActivityTraceId(), ids.ToActivitySpanId(), flags, traceState, isRemote: true);
    }

    public static SamplingState StateOf(in this ActivityContext context)
    {
        var member = MeshMember.Find(context.TraceState);
        if (member.IsDebug) return SamplingState.Debug;
        if ((context.TraceFlags & ActivityTraceFlags.Recorded) != 0) return SamplingState.Accept;
        return member.IsUndecided ? SamplingState.Defer : SamplingState.Deny;
    }
}
