using System.Buffers;
using System.Buffers.Binary;

namespace Tracing.Sdk.Propagation.Mesh;

// x-request-id: Envoy stores its own decision in the 15th character of a UUIDv4 (9 sampled, a and b forced, any other: undecided), and derives
// every percentage from the first 8 hex digits. An id that is reformatted, or made in another format, changes decisions at the next proxies.
internal static class RequestIds
{
    public const string RequestId = "x-request-id";
    public const string ClientTraceId = "x-client-trace-id";

    private const int DecisionIndex = 14;

    private static readonly SearchValues<char> UuidCharacters = SearchValues.Create("-0123456789ABCDEFabcdef");

    /// <summary>The id for a call: the one that came in, as far as it is trusted, else one that is made from the trace id; null for neither.</summary>
    public static string? ForCall(RemoteContext? remote, in OutboundContext? context)
    {
        var isSampled = context is { State: var state } && state.IsSampled();
        // Envoy reads a decision out of the id. Where the caller's decision does not hold, the digit holds the decision of this service.
        if (remote?.RequestId is { } received) return remote.Trust == TraceTrust.Trust ? received : WithDecision(received, isSampled);
        return context is { TraceId: var traceId } ? ForTrace(traceId, isSampled) : null;
    }

    /// <summary>The id of a trace for which none came in: a UUIDv4 that tells the next proxies whether the trace is sampled. Made from the trace id, so that every call
    /// of the trace, retried, parallel or from another process, gets the same one.</summary>
    public static string ForTrace(string traceId, bool sampled)
    {
        _ = Hex.TryReadUInt64(traceId.AsSpan(0, 16), out var high);
        _ = Hex.TryReadUInt64(traceId.AsSpan(16, 16), out var low);

        // Mixed, because a trace id may begin with a timestamp or with zeros, and all traces of that second would share one percentage.
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Mix(high + low));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Mix(high ^ ulong.RotateLeft(low, 32)));
        // The decision, in the place of the version.
        bytes[6] = (byte)((bytes[6] & 0x0F) | (sampled ? 0x90 : 0x40));
        // The variant of RFC 9562.
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }

    /// <summary>Whether an id is a UUID with dashes, the only form in which Envoy finds a decision and a percentage.</summary>
    public static bool IsUuid(string? id) => id is { Length: 36 } && Guid.TryParseExact(id, "D", out _) && !id.AsSpan().ContainsAnyExcept(UuidCharacters);

    /// <summary>A UUID with this service's decision in place of the one that it holds.</summary>
    public static string WithDecision(string id, bool sampled)
    {
        var digit = sampled ? '9' : '4';
        return id[DecisionIndex] == digit ? id : string.Concat(id.AsSpan(0, DecisionIndex), [digit], id.AsSpan(DecisionIndex + 1));
    }

    // The finaliser of SplitMix64: every input bit affects every output bit.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
