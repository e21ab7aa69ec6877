using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>Which traces are recorded.</summary>
public sealed class SamplingOptions
{
    /// <summary>Share of new traces to record, 0 to 1. Default 1. Variables: <c>OTEL_TRACES_SAMPLER</c>, <c>OTEL_TRACES_SAMPLER_ARG</c>; they count neither for this nor for <see cref="FollowParentDecision"/> when the section or the code sets one of the two.</summary>
    public double Ratio { get; set => field = Assign(value); } = 1.0;

    /// <summary>Whether a caller's decision to record or not to record holds. If not, <see cref="Ratio"/> decides for every request; a B3 debug trace is recorded in any case. Default true. Variable: <c>OTEL_TRACES_SAMPLER</c> (<c>parentbased_*</c>); it does not count when the section or the code sets this or <see cref="Ratio"/>.</summary>
    public bool FollowParentDecision { get; set => field = Assign(value); } = true;

    /// <summary>Whether a caller's "not sampled" is taken for "undecided", because a proxy in front passes ids on without deciding. Default false.</summary>
    public bool DeferUnsampledParent { get; set => field = Assign(value); }

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
