using System.Diagnostics;

namespace Tracing.Sdk.Encoding;

/// <summary>What goes into a span's bytes and is not on its <see cref="Activity"/>.</summary>
/// <param name="ParentSpanId">The nearest exported ancestor, or the id that came in; default for a root.</param>
/// <param name="ParentIsRemote">Whether that parent lives in another process.</param>
/// <param name="TraceFlags">The W3C flags: bit 0 sampled, bit 1 random.</param>
/// <param name="IsDebug">Whether the trace is a B3 debug trace.</param>
internal readonly record struct SpanFacts(ActivitySpanId ParentSpanId, bool ParentIsRemote, byte TraceFlags, bool IsDebug);
