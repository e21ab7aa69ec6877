using System.Runtime.CompilerServices;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation.W3C;

/// <summary>traceparent and tracestate together: without a valid traceparent, tracestate must not be read.</summary>
internal static class W3CHeaders
{
    public static readonly string[] Names = [TraceParent.HeaderName, TraceStateList.HeaderName];

    // Inlined, because a call returns the large context by copies.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead<TReader>(ref TReader headers, out W3CContext context) where TReader : struct, IHeaderReader
    {
        context = default;
        if (headers.Get(TraceParent.HeaderName) is not [{ } only] || !TraceParent.TryParse(only, out var ids)) return false;
        var fields = headers.Get(TraceStateList.HeaderName);
        var list = TraceStateList.Normalize(fields, out var marker);
        context = new W3CContext(ids, only, list, marker, TraceStateList.IsPresentButEmpty(fields));
        return true;
    }

    public static void Write<TWriter>(in OutboundContext context, ref TWriter headers) where TWriter : struct, IHeaderWriter
    {
        headers.Set(TraceParent.HeaderName, TraceParent.Format(context.TraceId, context.SpanId, context.State.IsSampled(), context.IsRandom));
        headers.Set(TraceStateList.HeaderName, TraceStateList.WithMarker(context.TraceState, context.SpanId, context.State == SamplingState.Debug));
    }
}

/// <summary>What W3C's headers say.</summary>
/// <param name="Ids">The ids and the sampled flag of traceparent.</param>
/// <param name="TraceParent">traceparent as it came.</param>
/// <param name="TraceState">The list in its normal form, without a state in the marker; null when there is none or it is invalid.</param>
/// <param name="Marker">The marker that came in the list.</param>
/// <param name="IsTraceStateEmpty">Whether a tracestate came that has nothing in it.</param>
internal readonly record struct W3CContext(TraceIds Ids, string? TraceParent, string? TraceState, Marker Marker, bool IsTraceStateEmpty);
