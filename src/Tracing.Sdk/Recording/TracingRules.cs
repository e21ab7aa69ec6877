namespace Tracing.Sdk.Recording;

/// <summary>What is sampled, what is ignored, and which baggage spans show: the options that can change while the process runs. Replaced as a whole.</summary>
/// <param name="sampling">What is sampled.</param>
/// <param name="ignore">What is ignored.</param>
/// <param name="enrich">Which baggage spans show.</param>
/// <param name="time">The clock.</param>
/// <param name="previous">What was in force before a reload; null at the start.</param>
internal sealed class TracingRules(SamplingOptions sampling, IgnoreOptions ignore, EnrichOptions enrich, TimeProvider time, TracingRules? previous = null)
{
    public TraceSampler Sampler { get; } = new(sampling.Ratio, sampling.FollowParentDecision);
    public SamplingRules Sampling { get; } = new([.. sampling.Rules], sampling.FollowParentDecision, time, previous?.Sampling);
    public TimeSpan EndedParentTimeout { get; } = sampling.EndedParentTimeout;
    public IgnoreRules Ignored { get; } = new(ignore);

    /// <summary>Keys of baggage that become attributes of spans. Usually empty.</summary>
    public string[] BaggageKeys { get; } = [.. enrich.BaggageKeys];
}

/// <summary>The rules in force.</summary>
internal sealed class RulesInForce(TracingRules rules)
{
    private volatile TracingRules _current = rules;

    public TracingRules Current
    {
        get => _current;
        set => _current = value;
    }
}
