namespace Tracing.Sdk.Propagation;

// Two formats of one trace name different spans: which one is newer?
// A proxy refreshes the format that it speaks and passes the other through unchanged, one hop old. A service that continues the old one
// cuts the proxy out of the tree. No header says which is which. The first of these facts that applies decides:
//
//   a. marker          The marker in tracestate is the span id that its writer put into both formats. The format that still holds it is the old one.
//   b. parent equal    B3's parent is the span that W3C names: B3 is exactly one hop newer.
//   c. parent present  B3 has a parent id: proxies always write it, services never do. (A proxy may add two spans; then b. does not apply.)
//   d. order           None of these applies: the configured first format.
internal static class Freshness
{
    /// <summary>Whether B3 is newer than W3C, given that both belong to one trace and name different spans.</summary>
    public static bool IsB3Fresher(in TraceIds w3c, in TraceIds b3, ulong marker, bool b3First)
    {
        if (marker != 0 && marker == w3c.SpanId) return true;
        if (marker != 0 && marker == b3.SpanId) return false;
        if (b3.ParentSpanId == w3c.SpanId) return true;
        if (b3.ParentSpanId != 0) return true;
        return b3First;
    }

    /// <summary>The same question between the two forms of B3, given that both belong to one trace. Without evidence the single header is taken, as the B3
    /// specification says.</summary>
    public static bool IsMultiFresher(in TraceIds single, in TraceIds multi)
    {
        if (multi.ParentSpanId != 0 && multi.ParentSpanId == single.SpanId) return true;
        if (single.ParentSpanId != 0 && single.ParentSpanId == multi.SpanId) return false;
        return multi.ParentSpanId != 0 && single.ParentSpanId == 0;
    }

    /// <summary>The fresher context, with the decision of the older one of the same trace where that is debug or the fresher has none.</summary>
    public static TraceIds Combine(in TraceIds fresher, in TraceIds older) =>
        older.State == SamplingState.Debug ? fresher.WithDebug(older.SpanId)
        : fresher.State == SamplingState.Defer ? fresher with { State = older.State }
        : fresher;
}
