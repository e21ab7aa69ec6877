using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>What goes into a span's bytes and does not stand on its <see cref="Activity"/> as it goes there.</summary>
/// <param name="ParentSpanId">The nearest exported ancestor, or the id that came in; default for a root.</param>
/// <param name="ParentIsRemote">Whether that parent lives in another process.</param>
/// <param name="TraceFlags">The W3C flags: bit 0 sampled, bit 1 random.</param>
/// <param name="IsDebug">Whether the trace is a B3 debug trace.</param>
/// <param name="Details">The span's details, if it has any.</param>
internal readonly record struct SpanFacts(
    ActivitySpanId ParentSpanId, bool ParentIsRemote, byte TraceFlags, bool IsDebug, SpanDetails? Details = null);
