using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>The parts of an exported span that its <see cref="Activity"/> does not have, or has with another value.</summary>
/// <param name="ParentSpanId">The nearest exported ancestor, or the id of the incoming context; default for a root span.</param>
/// <param name="ParentIsRemote">Whether the parent belongs to another process.</param>
/// <param name="TraceFlags">The W3C flags: bit 0 sampled, bit 1 random.</param>
/// <param name="IsDebug">Whether the trace is a B3 debug trace.</param>
/// <param name="Details">Attributes of a server span that may not be tags; null for other spans.</param>
/// <param name="Content">What <c>Export.BeforeExport</c> has made of the span; null without such a hook.</param>
internal readonly record struct SpanMetadata(
    ActivitySpanId ParentSpanId, bool ParentIsRemote, byte TraceFlags, bool IsDebug, SpanDetails? Details = null, SpanContent? Content = null);
