namespace Tracing.Sdk.Propagation.W3C;

// traceparent: {version}-{trace-id}-{parent-id}-{flags}      2HEXLC "-" 32HEXLC "-" 16HEXLC "-" 2HEXLC
// Version 00 has exactly 55 characters; a later one may continue after a dash, and the rest is ignored; ff is forbidden.
// More than one field makes the header invalid, because the specification gives no order between them.
// https://www.w3.org/TR/trace-context-2/#traceparent-header
internal static class TraceParent
{
    public const string HeaderName = "traceparent";
    public const int Length = 55;

    private const int SpanIdIndex = 36;
    private const int SpanIdLength = 16;
    private const byte SampledFlag = 0x01;
    private const byte RandomFlag = TraceIds.RandomFlag;

    public static bool TryParse(ReadOnlySpan<char> value, out TraceIds ids)
    {
        ids = default;
        var s = HeaderText.Trim(value);
        if (s.Length < Length || s[2] != '-' || s[35] != '-' || s[52] != '-') return false;
        if (!Hex.TryReadByte(s[0], s[1], out var version) || version == 0xFF) return false;
        if (s.Length > Length && (version == 0 || s[Length] != '-')) return false;
        if (!Hex.TryReadUInt64(s[3..19], out var high) || !Hex.TryReadUInt64(s[19..35], out var low)) return false;
        if (!Hex.TryReadUInt64(s.Slice(SpanIdIndex, SpanIdLength), out var span) || !Hex.TryReadByte(s[53], s[54], out var flags)) return false;
        if ((high | low) == 0 || span == 0) return false;

        ids = new TraceIds(
            high, low, span, ParentSpanId: 0, (flags & SampledFlag) != 0 ? SamplingState.Accept : SamplingState.Deny, IsRandom: (flags & RandomFlag) != 0);
        return true;
    }

    /// <summary>Whether a text that parses is exactly what <see cref="Format(in TraceIds)"/> returns for it, so that it needs no new string.</summary>
    public static bool IsCanonical(ReadOnlySpan<char> value) =>
        value.Length == Length && value[0] == '0' && value[1] == '0' && value[53] == '0' && value[54] <= '3';

    /// <summary>The digits of the span id in a canonical text.</summary>
    public static ReadOnlySpan<char> SpanIdOf(string canonical) => canonical.AsSpan(SpanIdIndex, SpanIdLength);

    public static string Format(in TraceIds ids) =>
        string.Create(Length, ids, static (text, ids) =>
        {
            Hex.WriteUInt64(ids.TraceHigh, text[3..]);
            Hex.WriteUInt64(ids.TraceLow, text[19..]);
            Hex.WriteUInt64(ids.SpanId, text[SpanIdIndex..]);
            WriteRest(text, ids.IsSampled, ids.IsRandom);
        });

    public static string Format(string traceId, string spanId, bool sampled, bool random) =>
        string.Create(Length, (traceId, spanId, sampled, random), static (text, x) =>
        {
            x.traceId.CopyTo(text[3..]);
            x.spanId.CopyTo(text[SpanIdIndex..]);
            WriteRest(text, x.sampled, x.random);
        });

    private static void WriteRest(Span<char> text, bool sampled, bool random)
    {
        text[0] = text[1] = text[53] = '0';
        text[2] = text[35] = text[52] = '-';
        text[54] = (char)('0' + (sampled ? SampledFlag : 0) + (random ? RandomFlag : 0));
    }
}
