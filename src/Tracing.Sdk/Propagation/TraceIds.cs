using System.Buffers.Binary;
using System.Diagnostics;

namespace Tracing.Sdk.Propagation;

/// <summary>The ids and the decision of one set of headers, as numbers: strings are made only for the context that is continued.</summary>
/// <param name="TraceHigh">Left half of the trace id; zero for a 64-bit id of B3.</param>
/// <param name="TraceLow">Right half of the trace id.</param>
/// <param name="SpanId">The caller's span, which becomes the parent; zero when the headers held a decision only.</param>
/// <param name="ParentSpanId">The caller's own parent, which only B3 sends: evidence of freshness and nothing else. Zero for none.</param>
/// <param name="State">The decision.</param>
/// <param name="IsRandom">Whether the right-most 56 bits of the trace id are random (W3C level 2).</param>
internal readonly record struct TraceIds(ulong TraceHigh, ulong TraceLow, ulong SpanId, ulong ParentSpanId, SamplingState State, bool IsRandom)
{
    public const int RandomFlag = 0x02;

    public bool HasIds => SpanId != 0;
    public bool IsSampled => State.IsSampled();

    /// <summary>A decision that came without ids.</summary>
    public static TraceIds DecisionOnly(SamplingState state) => new(0, 0, 0, 0, state, IsRandom: false);

    /// <summary>Compares trace ids. B3's 64-bit ids are the right half of a wider one; ids of other formats are never cut.</summary>
    public bool IsSameTraceAs(in TraceIds b3) => TraceLow == b3.TraceLow && (TraceHigh == b3.TraceHigh || b3.TraceHigh == 0);

    /// <summary>The same context with the debug state of other headers of the trace, which overrules any other decision.</summary>
    /// <param name="spanId">The span that debug came with; zero for none. A hop that did not sample exported no span: where debug overrules it, this span is the parent.</param>
    public TraceIds WithDebug(ulong spanId) =>
        this with { SpanId = State == SamplingState.Deny && spanId != 0 ? spanId : SpanId, State = SamplingState.Debug };

    public ActivityTraceId ToActivityTraceId()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, TraceHigh);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], TraceLow);
        return ActivityTraceId.CreateFromBytes(bytes);
    }

    public ActivitySpanId ToActivitySpanId()
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, SpanId);
        return ActivitySpanId.CreateFromBytes(bytes);
    }
}
