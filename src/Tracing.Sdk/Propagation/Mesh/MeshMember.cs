
namespace Tracing.Sdk.Propagation.Mesh;

// Our member of tracestate, always the left-most, and left out where a member that only holds p would push one of others out:  mesh=p:{span id we wrote}[;s:{d|u}]
//   p  the span id in the traceparent and the B3 headers of the same request. One hop on, the format that no longer holds it
//      is the one that a proxy has rewritten.
//   s  d: a B3 debug trace, carried across hops that speak W3C only.
//      u: undecided (B3 "defer"), only ever inside this process: ActivityContext has no other place for it. Neither believed when it
//         comes in nor written when we send.
// A stranger may have written it. A part that we do not know, or that makes no sense, says nothing; of two that differ the first counts.
// The key has letters only: some parsers drop keys with digits.
internal readonly record struct MeshMember(ulong SpanId, bool IsDebug, bool IsUndecided)
{
    public const string Key = "mesh=";

    /// <summary>Characters of the longest member that we write.</summary>
    public const int MaxLength = 5 + 2 + 16 + 1 + 3;

    /// <summary>Reads the member out of a list that <see cref="W3C.TraceStateList"/> has accepted. Nonsense in it says nothing.</summary>
    public static MeshMember Find(string? traceState)
    {
        var text = traceState.AsSpan();
        for (var start = 0; text[start..].IndexOf(Key) is >= 0 and var found; start += found + Key.Length)
        {
            // Another's key may end like ours.
            var at = start + found;
            if (at > 0 && text[at - 1] != ',') continue;
            var member = text[(at + Key.Length)..];
            var comma = member.IndexOf(',');
            return Parse(comma < 0 ? member : member[..comma]);
        }

        return default;
    }

    /// <summary>Reads a list that is our member with a span id and nothing else, as a neighbour writes it.</summary>
    public static bool TryReadAlone(ReadOnlySpan<char> traceState, out MeshMember member)
    {
        member = default;
        if (traceState.Length != Key.Length + 2 + 16 || !traceState.StartsWith(Key + "p:") || !Hex.TryReadUInt64(traceState[(Key.Length + 2)..], out var spanId)) return false;
        member = new MeshMember(spanId, IsDebug: false, IsUndecided: false);
        return true;
    }

    /// <summary>Writes the member and returns its length, which is 0 when there is nothing to say.</summary>
    /// <param name="text">Where to, at least <see cref="MaxLength"/> long.</param>
    /// <param name="spanId">Sixteen digits, or empty.</param>
    /// <param name="state">The decision, of which only debug and undecided are written.</param>
    public static int Write(Span<char> text, ReadOnlySpan<char> spanId, SamplingState state)
    {
        var mark = state switch { SamplingState.Debug => "s:d", SamplingState.Defer => "s:u", _ => "" };
        if (spanId.IsEmpty && mark.Length == 0) return 0;

        Key.CopyTo(text);
        var length = Key.Length;
        if (!spanId.IsEmpty)
        {
            "p:".CopyTo(text[length..]);
            spanId.CopyTo(text[(length + 2)..]);
            length += 2 + spanId.Length;
            if (mark.Length > 0) text[length++] = ';';
        }

        mark.CopyTo(text[length..]);
        return length + mark.Length;
    }

    private static MeshMember Parse(ReadOnlySpan<char> value)
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
        return new MeshMember(spanId, IsDebug: state is "s:d", IsUndecided: state is "s:u");
    }
}
