namespace Tracing.Sdk.Propagation;

// Two formats, one trace, different spans: which of the two is newer?
// A proxy refreshes the format it speaks and passes the other through as it came, one hop stale. Believing the stale one cuts the
// proxy out of the tree. Nobody says which is which, but the headers give it away. The first evidence that speaks decides:
//
//   a. marker          tracestate says which span id its writer put into both formats. The format that still holds it is the stale one.
//   b. parent equal    B3's parent is the span that W3C names: B3 is exactly one hop newer.
//   c. parent present  B3 has a parent at all: proxies always write it, services never do. (A proxy may add two spans, and then b. fails.)
//   d. order           nothing speaks: the configured first format.
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

    /// <summary>The same question between the two forms of B3. Without evidence the single header wins, as B3 itself says.</summary>
    public static bool IsMultiFresher(in TraceIds single, in TraceIds multi)
    {
        if (!single.HasIds || !multi.HasIds || !AreOneTrace(single, multi)) return false;
        if (multi.ParentSpanId != 0 && multi.ParentSpanId == single.SpanId) return true;
        if (single.ParentSpanId != 0 && single.ParentSpanId == multi.SpanId) return false;
        return multi.ParentSpanId != 0 && single.ParentSpanId == 0;
    }

    // Either form may be the one that was cut to 64 bits.
    private static bool AreOneTrace(in TraceIds single, in TraceIds multi) => single.IsSameTraceAs(multi) || multi.IsSameTraceAs(single);
}
