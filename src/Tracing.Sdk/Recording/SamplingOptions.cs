using System.ComponentModel.DataAnnotations;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Recording;

/// <summary>Which traces are recorded.</summary>
public sealed class SamplingOptions
{
    /// <summary>Share of new traces that is recorded.</summary>
    /// <value>Default 1; from 0 to 1. Variables: <c>OTEL_TRACES_SAMPLER</c> and <c>OTEL_TRACES_SAMPLER_ARG</c>, which count neither for this option nor for
    /// <see cref="FollowParentDecision"/> when the section or the code sets one of the two.</value>
    /// <remarks>Lower it where new traces begin in this service and there are more of them than the backend should keep.</remarks>
    [Reloadable]
    [Range(0.0, 1.0)]
    [Example("0.1")]
    public double Ratio { get; set; } = 1.0;

    /// <summary>Whether a caller's decision to record or not to record holds. If not, <see cref="Ratio"/> decides for every request; a B3 debug trace is recorded in any case.</summary>
    /// <value>Default true. Variable: <c>OTEL_TRACES_SAMPLER</c> (<c>parentbased_*</c>), which does not count when the section or the code sets this option or <see cref="Ratio"/>.</value>
    /// <remarks>Turn it off where callers sample in a way that this service must not depend on; traces then have gaps.</remarks>
    [Reloadable]
    public bool FollowParentDecision { get; set; } = true;

    /// <summary>Whether "not sampled" from a caller means "undecided".</summary>
    /// <value>Default false.</value>
    /// <remarks>Turn it on behind a proxy that passes ids on and writes "not sampled" without having decided.</remarks>
    [Reloadable]
    public bool DeferUnsampledParent { get; set; }

    /// <summary>Rules for some of the traces; the first that matches decides in place of <see cref="Ratio"/>. See <see cref="SamplingRule"/> for how a rule is written.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Add rules where one ratio does not fit all: <c>never path=/metrics</c>, <c>10/s route=/search</c>, <c>always header=x-tenant:gold</c>.</remarks>
    [Reloadable]
    [Expected("a list of rules such as \"never path=/metrics\", \"1% path=/static/*\", \"10/s burst=20 route=/search\" or \"always header=x-tenant:gold override-caller\"")]
    public IList<SamplingRule> Rules { get; } = [];

    /// <summary>Time after which a local parent that has ended is no parent any more: a span that starts later begins a trace of its own, with a link to where it came from. It is for a loop, a timer
    /// or a poll that was started inside a request and outlives it.</summary>
    /// <value>Default 60 s; 0 for never.</value>
    /// <remarks>Raise it where work that a request leaves running takes longer and belongs to the request.</remarks>
    [TimeOrZero]
    public TimeSpan EndedParentTimeout { get; set; } = TimeSpan.FromMinutes(1);
}
