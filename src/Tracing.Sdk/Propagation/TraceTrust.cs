namespace Tracing.Sdk.Propagation;

/// <summary>How far a caller's trace context is believed.</summary>
public enum TraceTrust
{
    /// <summary>The trace goes on, and the caller's decision to record or not holds.</summary>
    Trust = 0,

    /// <summary>The trace goes on, but this service decides by its own sampler whether to record; a flood of sampled or debug flags costs nothing.</summary>
    TrustIdsOnly,

    /// <summary>A new trace starts here. The caller's becomes a link of its first span, and its baggage is dropped.</summary>
    Restart,
}
