namespace Tracing.Sdk.Propagation;

/// <summary>The context that one call sends: the ids of a span that is exported, or the ids that came in.</summary>
/// <param name="TraceId">32 digits.</param>
/// <param name="SpanId">16 digits.</param>
/// <param name="State">The decision. A process that records never defers it.</param>
/// <param name="IsRandom">The random flag of W3C level 2.</param>
/// <param name="TraceState">The list that came in; null when there is none.</param>
internal readonly record struct OutboundContext(string TraceId, string SpanId, SamplingState State, bool IsRandom, string? TraceState);
