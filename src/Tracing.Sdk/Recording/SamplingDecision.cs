using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>What was decided about a trace.</summary>
/// <param name="IsRecorded">Whether it is recorded.</param>
/// <param name="Reason">Why.</param>
/// <param name="Threshold">The tracestate member that tells backends how many traces this one stands for; null where it is not known, or not recorded.</param>
/// <param name="Rate">The rate that decided; null when none did.</param>
internal readonly record struct SamplingDecision(bool IsRecorded, DecisionReason Reason, string? Threshold, RateLimit? Rate = null)
{
    /// <summary>Whether the caller has decided, whose threshold then goes on.</summary>
    public bool IsOfCaller => Reason is DecisionReason.CallerYes or DecisionReason.CallerNo or DecisionReason.CallerDebug;

    /// <summary>A decision not to record, other than by a sampler.</summary>
    public static SamplingDecision Refuse(DecisionReason reason) => new(IsRecorded: false, reason, Threshold: null);

    /// <summary>Writes the threshold into the tracestate of a span that is about to start.</summary>
    public void WriteTo(ref ActivityCreationOptions<ActivityContext> span, string? traceState)
    {
        var changed = ProbabilityState.WithThreshold(traceState, Threshold);
        if (!ReferenceEquals(changed, traceState)) span = span with { TraceState = changed };
    }

    /// <summary>Writes the threshold into the tracestate of a span that runs and has no children yet.</summary>
    public void WriteTo(Activity activity)
    {
        var list = activity.TraceStateString;
        var changed = ProbabilityState.WithThreshold(list, Threshold);
        // Empty, because null would mean the parent's.
        if (!ReferenceEquals(changed, list)) activity.TraceStateString = changed ?? "";
    }
}
