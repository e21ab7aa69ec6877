namespace Tracing.Sdk.Propagation;

/// <summary>A decision to record a trace: the four states of B3, of which W3C knows two.</summary>
internal enum SamplingState : byte
{
    /// <summary>Undecided: the receiver's own sampler decides. A process that records never writes it.</summary>
    Defer,

    /// <summary>Not to be recorded. Always written, as 0: without it the next hop decides again.</summary>
    Deny,

    /// <summary>To be recorded.</summary>
    Accept,

    /// <summary>To be recorded by every service, whatever its sampler says.</summary>
    Debug,
}

internal static class SamplingStateExtensions
{
    /// <summary>Accept or debug: the part of the decision that W3C's flag and X-B3-Sampled hold.</summary>
    public static bool IsSampled(this SamplingState state) => state is SamplingState.Accept or SamplingState.Debug;
}
