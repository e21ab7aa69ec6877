using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>What is exported of a span and does not stand on its <see cref="Activity"/>, or differs from what stands there.</summary>
/// <param name="ParentSpanId">The nearest exported ancestor, or the id that came in; default for a root.</param>
/// <param name="ParentIsRemote">Whether that parent is a span of another process.</param>
/// <param name="TraceFlags">The W3C flags: bit 0 sampled, bit 1 random.</param>
/// <param name="IsDebug">Whether the trace is a B3 debug trace.</param>
/// <param name="Details">Attributes of a server span that may not be tags; null for other spans.</param>
internal readonly record struct SpanFacts(
    ActivitySpanId ParentSpanId, bool ParentIsRemote, byte TraceFlags, bool IsDebug, SpanDetails? Details = null);
