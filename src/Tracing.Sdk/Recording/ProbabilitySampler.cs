using System.Diagnostics;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Recording;

/// <summary>Keeps a share of all traces: those whose randomness reaches a threshold, so that services with the same ratio decide alike, and one with a lower ratio keeps
/// a part of what the others keep.</summary>
internal sealed class ProbabilitySampler
{
    // Digits of the threshold after its leading f's, as many as the specification recommends.
    private const int Precision = 4;

    private readonly ulong _threshold;
    private readonly SamplingDecision[] _kept;

    /// <param name="ratio">Share of traces to record, 0 to 1.</param>
    public ProbabilitySampler(double ratio)
    {
        _threshold = GetThreshold(ratio);
        _kept = SamplingDecision.Accept(_threshold == ProbabilityState.Range ? null : ProbabilityState.Format(_threshold));
    }

    /// <summary>Decides for a span that is about to start, and writes the threshold into its tracestate. Its trace id is made when it is first read, so it is read only where the ratio needs it.</summary>
    public SamplingDecision Decide(ref ActivityCreationOptions<ActivityContext> span, DecisionReason reason)
    {
        var list = span.TraceState;
        var decision = Decide(_threshold is 0 or ProbabilityState.Range ? default : span.TraceId, list, reason);
        decision.WriteTo(ref span, list);
        return decision;
    }

    /// <summary>Decides for a trace.</summary>
    public SamplingDecision Decide(ActivityTraceId traceId, string? traceState, DecisionReason reason)
    {
        var isKept = _threshold is 0 or ProbabilityState.Range ? _threshold == 0 : ProbabilityState.GetRandomness(traceState, traceId) >= _threshold;
        return isKept ? _kept[(int)reason] : SamplingDecision.Refuse(reason);
    }

    // https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/#converting-floating-point-probability-to-threshold-value
    private static ulong GetThreshold(double ratio)
    {
        if (!(ratio > 0)) return ProbabilityState.Range;
        if (ratio >= 1) return 0;
        // One digit more for each leading f, which four halvings of the ratio make.
        var digits = Math.Min(14, Precision + ((-Math.ILogB(ratio) - 1) / 4));
        var kept = (ulong)Math.Round(Math.ScaleB(ratio, 4 * digits), MidpointRounding.AwayFromZero) << (56 - (4 * digits));
        // Less than one trace of all that there can be is one.
        return ProbabilityState.Range - Math.Max(1, kept);
    }
}
