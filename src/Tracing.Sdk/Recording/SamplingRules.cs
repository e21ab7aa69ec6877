using System.Diagnostics;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>The rules of sampling, in order: the first that matches decides.</summary>
internal sealed class SamplingRules(IReadOnlyList<SamplingRule> rules)
{
    public static SamplingRules None { get; } = new([]);

    /// <summary>Whether a rule is about requests.</summary>
    public bool HasRequestRules { get; }

    /// <summary>Whether a rule is about routes, which are known after routing only.</summary>
    public bool NeedsRoute { get; }

    /// <summary>Decides for a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="caller">The decision of the caller.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="decision">The decision of the first rule that matches.</param>
    /// <returns>False when no rule decides.</returns>
    public bool TryDecide(in RequestFacts request, SamplingState caller, ActivityTraceId traceId, out SamplingDecision decision)
    {
        _ = rules;
        decision = default;
        return false;
    }

    /// <summary>Decides for a span that is no request of a web host: a root, or the first span of a message.</summary>
    /// <inheritdoc cref="TryDecide(in RequestFacts, SamplingState, ActivityTraceId, out SamplingDecision)"/>
    public bool TryDecide(ref ActivityCreationOptions<ActivityContext> span, SamplingState caller, out SamplingDecision decision)
    {
        _ = rules;
        decision = default;
        return false;
    }
}

/// <summary>What a rule or a ratio has decided.</summary>
/// <param name="IsRecorded">Whether the span is recorded.</param>
/// <param name="Reason">Why.</param>
/// <param name="Threshold">The value of <c>th</c> in the tracestate's <c>ot</c> member, which tells backends how many traces this one stands for; null when there is none.</param>
internal readonly record struct SamplingDecision(bool IsRecorded, DecisionReason Reason, string? Threshold);
