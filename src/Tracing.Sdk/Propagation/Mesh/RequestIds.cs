using System.Buffers;

namespace Tracing.Sdk.Propagation.Mesh;

// x-request-id: Envoy keeps its own decision inside it, in the 15th character of a UUIDv4 (9 sampled, a and b forced, anything else: none yet),
// and takes every percentage from its first 8 hex digits. Re-formatting it, or making one in another format, changes decisions downstream.
internal static class RequestIds
{
    public const string RequestId = "x-request-id";
    public const string ClientTraceId = "x-client-trace-id";

    private const int DecisionIndex = 14;

    private static readonly SearchValues<char> UuidCharacters = SearchValues.Create("-0123456789ABCDEFabcdef");

    /// <summary>
    /// The id of a trace for which none came in: a UUIDv4, marked as sampled for the proxies behind us when our own root is.
    /// Made from the trace id, so that every call of the trace, retried, parallel or from another process, gets the same one.
    /// </summary>
    public static string ForTrace(string traceId, bool sampled)
    {
        _ = Hex.TryReadUInt64(traceId.AsSpan(0, 16), out var high);
        _ = Hex.TryReadUInt64(traceId.AsSpan(16, 16), out var low);

        // Mixed, because a trace id may begin with a clock or with zeros, and all traces of that second would share one decision.
        return string.Create(36, (Mix(high + low), Mix(high ^ ulong.RotateLeft(low, 32)), sampled), static (text, id) =>
        {
            var (left, right, sampled) = id;
            Span<char> digits = stackalloc char[32];
            Hex.WriteUInt64(left, digits);
            // The variant of RFC 9562 in the two highest bits.
            Hex.WriteUInt64((right & 0x3FFFFFFFFFFFFFFF) | 0x8000000000000000, digits[16..]);
            digits[..8].CopyTo(text);
            digits[8..12].CopyTo(text[9..]);
            digits[12..16].CopyTo(text[14..]);
            digits[16..20].CopyTo(text[19..]);
            digits[20..].CopyTo(text[24..]);
            text[8] = text[13] = text[18] = text[23] = '-';
            text[DecisionIndex] = sampled ? '9' : '4';
        });
    }

    /// <summary>Whether an id has the form in which a decision and a percentage can be read, and nothing else: a UUID with dashes.</summary>
    public static bool IsUuid(string? id) =>
        id is { Length: 36 } && Guid.TryParseExact(id, "D", out _) && !id.AsSpan().ContainsAnyExcept(UuidCharacters);

    /// <summary>A UUID with our own decision in place of the one it holds.</summary>
    public static string WithDecision(string id, bool sampled)
    {
        var digit = sampled ? '9' : '4';
        return id[DecisionIndex] == digit ? id : string.Concat(id.AsSpan(0, DecisionIndex), [digit], id.AsSpan(DecisionIndex + 1));
    }

    // The finaliser of SplitMix64: every input bit reaches every output bit.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
