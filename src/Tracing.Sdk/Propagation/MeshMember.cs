namespace Tracing.Sdk.Propagation;

// Our member of tracestate, always the left-most:  mesh=p:{span id we wrote}[;s:{d|u}]
//   p  the span id in the traceparent and the B3 headers of the same request. One hop on, the format that no longer holds it
//      is the one that a proxy has rewritten.
//   s  d: a B3 debug trace, carried across hops that speak W3C only.
//      u: undecided (B3 "defer"), only ever inside this process: ActivityContext has no other place for it.
// The key has letters only: some parsers drop keys with digits.
internal readonly record struct MeshMember(ulong SpanId, bool IsDebug, bool IsUndecided)
{
    public const string Key = "mesh=";

    /// <summary>Reads the member out of a list that <see cref="TraceStateList"/> has accepted. Nonsense in it says nothing.</summary>
    public static MeshMember Find(string? traceState)
    {
        if (traceState is null) return default;
        var rest = traceState.AsSpan();
        while (!rest.IsEmpty)
        {
            var comma = rest.IndexOf(',');
            var member = comma < 0 ? rest : rest[..comma];
            if (member.StartsWith(Key)) return Parse(member[Key.Length..]);
            rest = comma < 0 ? default : rest[(comma + 1)..];
        }

        return default;
    }

    private static MeshMember Parse(ReadOnlySpan<char> value)
    {
        ulong span = 0;
        bool debug = false, undecided = false;
        while (!value.IsEmpty)
        {
            var semicolon = value.IndexOf(';');
            var part = semicolon < 0 ? value : value[..semicolon];
            if (part.StartsWith("p:")) _ = Hex.TryReadUInt64(part[2..], out span);
            else if (part is "s:d") debug = true;
            else if (part is "s:u") undecided = true;
            value = semicolon < 0 ? default : value[(semicolon + 1)..];
        }

        return new MeshMember(span, debug, undecided);
    }
}
