namespace Tracing.Sdk.Propagation;

/// <summary>What a caller has decided about recording a trace: the four states of B3, of which W3C knows two.</summary>
internal enum SamplingState : byte
{
    /// <summary>Nobody has decided yet: the receiver's own sampler does. Never written by a process that records.</summary>
    Defer,

    /// <summary>Not to be recorded. Always written out, as 0, or the next hop would decide afresh.</summary>
    Deny,

    /// <summary>To be recorded.</summary>
    Accept,

    /// <summary>To be recorded by everybody, past any sampler.</summary>
    Debug,
}
