namespace Tracing.Sdk;

/// <summary>How far a caller's trace context is trusted. Each level trusts less than the one before.</summary>
public enum TraceTrust
{
    /// <summary>The trace goes on, and the caller's decision to record or not holds.</summary>
    Trust = 0,

    /// <summary>The trace goes on, with its baggage and other vendors' members of tracestate, but this service decides by its own sampler whether to record; a flood of
    /// sampled or debug flags costs nothing. No decision of the caller goes on: x-request-id leaves with the digit for this service's own decision (an id that is no UUID
    /// is replaced), and x-client-trace-id and headers of other tracers stay here, also when <see cref="Propagation.PropagationOptions.ForwardedHeaders"/> names them or
    /// the service copies them onto its calls.</summary>
    TrustIdsOnly,

    /// <summary>A new trace starts here, with an x-request-id of its own. The caller's trace becomes a link of its first span. Its baggage, its x-request-id and its
    /// trace headers of every format stay here, also when <see cref="Propagation.PropagationOptions.ForwardedHeaders"/> names them or the service copies them onto its
    /// calls. Other headers in that list, an application's own, go on.</summary>
    Restart,
}
