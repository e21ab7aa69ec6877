namespace Tracing.Sdk.Recording;

/// <summary>What is sampled, what is ignored, and which baggage spans show: the options that can change while the process runs. Replaced as a whole.</summary>
internal sealed class TracingRules(SamplingOptions sampling, IgnoreOptions ignore, EnrichOptions enrich)
{
    public TraceSampler Sampler { get; } = new(sampling.Ratio, sampling.FollowParentDecision);
    public SamplingRules Sampling { get; } = sampling.Rules.Count == 0 ? SamplingRules.None : new SamplingRules([.. sampling.Rules]);
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
