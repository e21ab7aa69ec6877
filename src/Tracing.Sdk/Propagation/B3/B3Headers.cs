namespace Tracing.Sdk.Propagation.B3;

// single  b3: {trace-id}-{span-id}[-{0|1|d}][-{parent-span-id}]   or just   {0|1|d}
// multi   X-B3-TraceId: 16 or 32 HEXLC, X-B3-SpanId: 16 HEXLC, X-B3-ParentSpanId: 16 HEXLC,
//         X-B3-Sampled: 1 | 0 (in old versions also true | false), X-B3-Flags: 1 = debug, which implies sampled
// Of a repeated field the first counts. A valid single header is the answer, even when it holds a decision only; beside a malformed one
// the multi headers count. A malformed X-B3-Sampled makes the whole multi context invalid. A parent id of zeros counts as absent; any other
// zero id is an error.
// https://github.com/openzipkin/b3-propagation
internal static class B3Headers
{
    public const string Single = "b3";
    public const string TraceId = "X-B3-TraceId";
    public const string SpanId = "X-B3-SpanId";
    public const string ParentSpanId = "X-B3-ParentSpanId";
    public const string Sampled = "X-B3-Sampled";
    public const string Flags = "X-B3-Flags";

    public static readonly string[] Names = [Single, TraceId, SpanId, ParentSpanId, Sampled, Flags];

    /// <summary>Reads both forms; default when neither is valid. <paramref name="stale"/> is the span of the older form, 0 when they do not differ.</summary>
    public static TraceIds Read<TReader>(ref TReader headers, out ulong stale) where TReader : struct, IHeaderReader
    {
        stale = 0;
        TraceIds single = default;
        var hasSingle = headers.Get(Single) is [{ } first, ..] && TryParseSingle(first, out single);
        // A decision alone is an answer too.
        if (hasSingle && !single.HasIds) return single;

        _ = TryReadMulti(ref headers, out var multi, out stale);
        if (!hasSingle) return multi;
        // Either form may be the one that was cut to 64 bits.
        var isOneTrace = multi.HasIds && (single.IsSameTraceAs(multi) || multi.IsSameTraceAs(single));
        var fresher = !isOneTrace ? single
            : Freshness.IsMultiFresher(single, multi) ? Freshness.Combine(multi with { TraceHigh = multi.TraceHigh | single.TraceHigh }, single)
            : Freshness.Combine(single with { TraceHigh = multi.TraceHigh | single.TraceHigh }, multi);
        if (single.SpanId != multi.SpanId) stale = fresher.SpanId == single.SpanId ? multi.SpanId : single.SpanId;
        return fresher;
    }

    /// <summary>Writes one form. Never with a parent id: only proxies send it, which is how their spans are told from those of services.</summary>
    public static void Write<TWriter>(in OutboundContext context, B3Format format, ref TWriter headers) where TWriter : struct, IHeaderWriter
    {
        // Sixteen digits when the left half is zero, for peers that know 64 bits only.
        var isShort = context.TraceId.StartsWith("0000000000000000", StringComparison.Ordinal);
        var traceId = isShort ? context.TraceId[16..] : context.TraceId;
        if (format == B3Format.SingleHeader) headers.Set(Single, FormatSingle(traceId, context.SpanId, context.State));
        else if (format == B3Format.MultiHeader) WriteMulti(traceId, context.SpanId, context.State, ref headers);
    }

    public static bool TryParseSingle(ReadOnlySpan<char> value, out TraceIds ids)
    {
        ids = default;
        var s = HeaderText.Trim(value);
        SamplingState state;
        if (s.Length == 1)
        {
            if (!TryReadState(s[0], out state)) return false;
            ids = TraceIds.DecisionOnly(state);
            return true;
        }

        // The length alone tells which fields there are.
        var (traceLength, hasState, hasParent) = s.Length switch
        {
            33 => (16, false, false),
            35 => (16, true, false),
            50 => (16, false, true),
            52 => (16, true, true),
            49 => (32, false, false),
            51 => (32, true, false),
            66 => (32, false, true),
            68 => (32, true, true),
            _ => (0, false, false),
        };
        if (traceLength == 0 || s[traceLength] != '-') return false;
        if (!TryReadTraceId(s[..traceLength], out var high, out var low)) return false;
        s = s[(traceLength + 1)..];
        if (!Hex.TryReadUInt64(s[..16], out var span) || span == 0) return false;
        s = s[16..];

        state = SamplingState.Defer;
        if (hasState)
        {
            if (s[0] != '-' || !TryReadState(s[1], out state)) return false;
            s = s[2..];
        }

        ulong parent = 0;
        if (hasParent && (s[0] != '-' || !Hex.TryReadUInt64(s[1..], out parent))) return false;
        ids = new TraceIds(high, low, span, parent, state, IsRandom: false);
        return true;
    }

    private static string FormatSingle(string traceId, string spanId, SamplingState state) => state switch
    {
        SamplingState.Accept => string.Concat(traceId, "-", spanId, "-1"),
        SamplingState.Deny => string.Concat(traceId, "-", spanId, "-0"),
        SamplingState.Debug => string.Concat(traceId, "-", spanId, "-d"),
        _ => string.Concat(traceId, "-", spanId),
    };

    private static bool TryReadMulti<TReader>(ref TReader headers, out TraceIds ids, out ulong stale) where TReader : struct, IHeaderReader
    {
        ids = default;
        stale = 0;
        var sampled = headers.Get(Sampled);
        var state = SamplingState.Defer;
        if (sampled.Count > 0 && !TryReadSampled(HeaderText.Trim(sampled[0]), out state)) return false;
        var isDenied = state == SamplingState.Deny;
        if (headers.Get(Flags) is [var flags, ..] && HeaderText.Trim(flags) is "1") state = SamplingState.Debug;

        var traceId = headers.Get(TraceId);
        if (traceId.Count == 0)
        {
            ids = TraceIds.DecisionOnly(state);
            return state != SamplingState.Defer;
        }

        if (!TryReadTraceId(HeaderText.Trim(traceId[0]), out var high, out var low)) return false;
        if (headers.Get(SpanId) is not [var spanId, ..] || !Hex.TryReadUInt64(HeaderText.Trim(spanId), out var span) || span == 0) return false;
        ulong parent = 0;
        if (headers.Get(ParentSpanId) is [var parentId, ..] && !Hex.TryReadUInt64(HeaderText.Trim(parentId), out parent)) return false;
        // A proxy that does not know the flag passed it on beside a "not sampled" and a span of its own, which it did not export.
        if (isDenied && state == SamplingState.Debug && parent != 0 && parent != span) (span, parent, stale) = (parent, 0, span);
        ids = new TraceIds(high, low, span, parent, state, IsRandom: false);
        return true;
    }

    private static void WriteMulti<TWriter>(string traceId, string spanId, SamplingState state, ref TWriter headers) where TWriter : struct, IHeaderWriter
    {
        headers.Set(TraceId, traceId);
        headers.Set(SpanId, spanId);
        // Envoy does not know X-B3-Flags, so a debug trace says "sampled" as well.
        if (state != SamplingState.Defer) headers.Set(Sampled, state.IsSampled() ? "1" : "0");
        if (state == SamplingState.Debug) headers.Set(Flags, "1");
    }

    private static bool TryReadTraceId(ReadOnlySpan<char> text, out ulong high, out ulong low)
    {
        high = low = 0;
        var read = text.Length switch
        {
            16 => Hex.TryReadUInt64(text, out low),
            32 => Hex.TryReadUInt64(text[..16], out high) && Hex.TryReadUInt64(text[16..], out low),
            _ => false,
        };
        return read && (high | low) != 0;
    }

    private static bool TryReadState(char c, out SamplingState state)
    {
        state = c switch { '1' => SamplingState.Accept, '0' => SamplingState.Deny, 'd' => SamplingState.Debug, _ => SamplingState.Defer };
        return state != SamplingState.Defer;
    }

    private static bool TryReadSampled(ReadOnlySpan<char> text, out SamplingState state)
    {
        state = text switch
        {
            "1" => SamplingState.Accept,
            "0" => SamplingState.Deny,
            _ when text.Equals("true", StringComparison.OrdinalIgnoreCase) => SamplingState.Accept,
            _ when text.Equals("false", StringComparison.OrdinalIgnoreCase) => SamplingState.Deny,
            _ => SamplingState.Defer,
        };
        return state != SamplingState.Defer;
    }
}

/// <summary>The form in which B3 is written. Unless it is <see cref="None"/>, both forms are read.</summary>
internal enum B3Format
{
    /// <summary>B3 is neither read nor written.</summary>
    None = 0,

    /// <summary>One <c>b3</c> header. Envoy before 1.40 forwards it unchanged beside its own <c>X-B3-*</c>.</summary>
    SingleHeader,

    /// <summary>The <c>X-B3-*</c> headers, which every Envoy reads and refreshes.</summary>
    MultiHeader,
}
