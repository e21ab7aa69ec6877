namespace Tracing.Sdk.Propagation.Mesh;

// This library's member of tracestate:  mesh=p:{span id}[;s:{d|u}]
//   p  the span id that its writer put into traceparent and B3 of the same request. At the next hop, the format that no longer holds this id
//      is the one that a proxy has rewritten.
//   s  d: a B3 debug trace, which so survives hops that speak W3C only.
//      u: an undecided trace (B3 defer). Only in an ActivityContext, which has no other place for it: ignored in a header, and never sent.
// Always the left-most member. A marker without s is left out where it would push a member of another vendor out.
// Strangers can write it too: unknown or malformed parts are ignored, and of two equal parts the first counts.
// The key has letters only, because some parsers drop keys with digits.
internal readonly record struct Marker(ulong SpanId, bool IsDebug, bool IsUndecided)
{
    public const string Key = "mesh=";

    /// <summary>Characters of the longest marker.</summary>
    public const int MaxLength = 5 + 2 + 16 + 1 + 3;

    /// <summary>Finds the marker in a list; default when there is none.</summary>
    public static Marker Find(string? traceState)
    {
        var text = traceState.AsSpan();
        for (var start = 0; text[start..].IndexOf(Key) is >= 0 and var found; start += found + Key.Length)
        {
            // The key of another vendor may end in the same letters.
            var at = start + found;
            if (at > 0 && text[at - 1] != ',') continue;
            var member = text[(at + Key.Length)..];
            var comma = member.IndexOf(',');
            return Parse(comma < 0 ? member : member[..comma]);
        }

        return default;
    }

    /// <summary>Reads a list that is a marker with a span id and nothing else, as a neighbour with this library writes it.</summary>
    public static bool TryReadAlone(ReadOnlySpan<char> traceState, out Marker marker)
    {
        marker = default;
        if (traceState.Length != Key.Length + 2 + 16 || !traceState.StartsWith(Key + "p:") || !Hex.TryReadUInt64(traceState[(Key.Length + 2)..], out var spanId)) return false;
        marker = new Marker(spanId, IsDebug: false, IsUndecided: false);
        return true;
    }

    /// <summary>Writes the marker and returns its length, which is 0 when it would be empty.</summary>
    /// <param name="text">Where to, at least <see cref="MaxLength"/> long.</param>
    /// <param name="spanId">Sixteen digits, or empty.</param>
    /// <param name="state">The decision, of which only debug and undecided are written.</param>
    public static int Write(Span<char> text, ReadOnlySpan<char> spanId, SamplingState state)
    {
        var stateText = state switch { SamplingState.Debug => "s:d", SamplingState.Defer => "s:u", _ => "" };
        if (spanId.IsEmpty && stateText.Length == 0) return 0;

        Key.CopyTo(text);
        var length = Key.Length;
        if (!spanId.IsEmpty)
        {
            "p:".CopyTo(text[length..]);
            spanId.CopyTo(text[(length + 2)..]);
            length += 2 + spanId.Length;
            if (stateText.Length > 0) text[length++] = ';';
        }

        stateText.CopyTo(text[length..]);
        return length + stateText.Length;
    }

    private static Marker Parse(ReadOnlySpan<char> value)
    {
        ReadOnlySpan<char> span = default, state = default;
        while (!value.IsEmpty)
        {
            var semicolon = value.IndexOf(';');
            var part = semicolon < 0 ? value : value[..semicolon];
            if (span.IsEmpty && part.StartsWith("p:")) span = part;
            else if (state.IsEmpty && part.StartsWith("s:")) state = part;
            value = semicolon < 0 ? default : value[(semicolon + 1)..];
        }

        ulong spanId = 0;
        if (!span.IsEmpty) _ = Hex.TryReadUInt64(span[2..], out spanId);
        return new Marker(spanId, IsDebug: state is "s:d", IsUndecided: state is "s:u");
    }
}
