using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>What was decided about a trace. An object for each possible decision is made in advance: a request keeps a reference.</summary>
/// <param name="IsRecorded">Whether it is recorded.</param>
/// <param name="Reason">Why.</param>
/// <param name="Threshold">The tracestate member that tells backends how many traces this one stands for; null where it is not known, or not recorded.</param>
/// <param name="Rate">The rate that decided; null when none did.</param>
internal sealed record SamplingDecision(bool IsRecorded, DecisionReason Reason, string? Threshold, RateLimit? Rate = null)
{
    private static readonly SamplingDecision[] Refusals = [.. Enumerable.Range(0, DecisionReasons.Count).Select(r => new SamplingDecision(IsRecorded: false, (DecisionReason)r, Threshold: null))];

    /// <summary>Whether the caller has decided, whose threshold then goes on.</summary>
    public bool IsOfCaller => Reason is DecisionReason.CallerYes or DecisionReason.CallerNo or DecisionReason.CallerDebug;

    /// <summary>The decision not to record.</summary>
    public static SamplingDecision Refuse(DecisionReason reason) => Refusals[(int)reason];

    /// <summary>The decisions to record, by reason.</summary>
    /// <param name="threshold">The threshold of all of them.</param>
    public static SamplingDecision[] Accept(string? threshold) => Array.ConvertAll(Refusals, r => r with { IsRecorded = true, Threshold = threshold });

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
