using System.Diagnostics;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Decides about a trace where no rule does: by the caller's decision, or by a ratio where there is none.</summary>
/// <param name="ratio">Share of traces to record, 0 to 1.</param>
/// <param name="followParent">Whether the caller's decision holds. Otherwise the ratio decides for every trace that is not a debug trace.</param>
internal sealed class TraceSampler(double ratio, bool followParent)
{
    private static readonly SamplingDecision[] Accepted = SamplingDecision.Accept(threshold: null);

    private readonly ProbabilitySampler _ratio = new(ratio);

    public bool FollowsParent => followParent;

    /// <summary>Decides for a span that is about to start. A decision by the ratio is written into its tracestate.</summary>
    /// <param name="state">The caller's decision.</param>
    /// <param name="span">The span.</param>
    /// <param name="reason">Why the ratio decides, if it does.</param>
    public SamplingDecision Decide(SamplingState state, ref ActivityCreationOptions<ActivityContext> span, DecisionReason reason) => state switch
    {
        SamplingState.Debug => Accepted[(int)DecisionReason.CallerDebug],
        SamplingState.Accept when followParent => Accepted[(int)DecisionReason.CallerYes],
        SamplingState.Deny when followParent => SamplingDecision.Refuse(DecisionReason.CallerNo),
        _ => _ratio.Decide(ref span, reason),
    };

    /// <summary>Decides by the ratio alone.</summary>
    /// <param name="traceId">The trace.</param>
    /// <param name="traceState">Its tracestate, which may hold the trace's randomness.</param>
    /// <param name="reason">Why.</param>
    public SamplingDecision DecideAlone(ActivityTraceId traceId, string? traceState, DecisionReason reason) => _ratio.Decide(traceId, traceState, reason);
}
