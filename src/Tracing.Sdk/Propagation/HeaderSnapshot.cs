using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>The headers of an inbound request, read in one pass. A lookup in Kestrel's dictionary costs up to 45 ns for a name without a field of its own there, and
/// eight of the names are such; one pass over all headers of a request takes half the time of the lookups.</summary>
internal struct HeaderSnapshot : IHeaderReader
{
    // In requests with more headers than this each name is looked up.
    private const int MaxCopied = 64;

    // A bit for each length of a known name.
    private const uint KnownLengths = 1u << 2 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 17;

    // Empty between two requests.
    [ThreadStatic]
    private static KeyValuePair<string, StringValues>[]? _buffer;

    private readonly IDictionary<string, StringValues> _headers;
    private readonly bool _isCopied;
    private StringValues _traceParent;
    private StringValues _traceState;
    private StringValues _baggage;
    private StringValues _b3;
    private StringValues _b3TraceId;
    private StringValues _b3SpanId;
    private StringValues _b3ParentSpanId;
    private StringValues _b3Sampled;
    private StringValues _b3Flags;
    private StringValues _requestId;
    private StringValues _clientTraceId;

    public HeaderSnapshot(IDictionary<string, StringValues> headers)
    {
        _headers = headers;
        var count = headers.Count;
        if (count > MaxCopied) return;

        _isCopied = true;
        var all = _buffer ??= new KeyValuePair<string, StringValues>[MaxCopied];
        headers.CopyTo(all, 0);
        foreach (ref readonly var header in all.AsSpan(0, count))
        {
            if (header.Key.Length < 32 && (KnownLengths & (1u << header.Key.Length)) != 0) Keep(header.Key, header.Value);
        }

        Array.Clear(all, 0, count);
    }

    // Inlined with a constant for the name, all but one of these lines are removed by the compiler.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly StringValues Get(string name)
    {
        if (!_isCopied) return LookUp(name);
        if (ReferenceEquals(name, TraceParent.HeaderName)) return _traceParent;
        if (ReferenceEquals(name, TraceStateList.HeaderName)) return _traceState;
        if (ReferenceEquals(name, BaggageHeader.HeaderName)) return _baggage;
        if (ReferenceEquals(name, B3Headers.Single)) return _b3;
        if (ReferenceEquals(name, B3Headers.TraceId)) return _b3TraceId;
        if (ReferenceEquals(name, B3Headers.SpanId)) return _b3SpanId;
        if (ReferenceEquals(name, B3Headers.ParentSpanId)) return _b3ParentSpanId;
        if (ReferenceEquals(name, B3Headers.Sampled)) return _b3Sampled;
        if (ReferenceEquals(name, B3Headers.Flags)) return _b3Flags;
        if (ReferenceEquals(name, RequestIds.RequestId)) return _requestId;
        if (ReferenceEquals(name, RequestIds.ClientTraceId)) return _clientTraceId;
        return LookUp(name);
    }

    private readonly StringValues LookUp(string name) => _headers.TryGetValue(name, out var values) ? values : default;

    // The length and the sixth character differ for all known names, so that each header is compared with one of them at most.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Keep(string name, StringValues values)
    {
        switch (name.Length, name.Length > 5 ? name[5] | 0x20 : 0)
        {
            case (2, _) when name.Equals(B3Headers.Single, StringComparison.OrdinalIgnoreCase): _b3 = values; break;
            case (7, 'g') when name.Equals(BaggageHeader.HeaderName, StringComparison.OrdinalIgnoreCase): _baggage = values; break;
            case (10, 's') when IsName(name, TraceStateList.HeaderName): _traceState = values; break;
            case (10, 'f') when IsName(name, B3Headers.Flags): _b3Flags = values; break;
            case (11, 'p') when IsName(name, TraceParent.HeaderName): _traceParent = values; break;
            case (11, 's') when IsName(name, B3Headers.SpanId): _b3SpanId = values; break;
            case (12, 't') when IsName(name, B3Headers.TraceId): _b3TraceId = values; break;
            case (12, 's') when IsName(name, B3Headers.Sampled): _b3Sampled = values; break;
            case (12, 'u') when IsName(name, RequestIds.RequestId): _requestId = values; break;
            case (17, 'p') when IsName(name, B3Headers.ParentSpanId): _b3ParentSpanId = values; break;
            case (17, 'e') when IsName(name, RequestIds.ClientTraceId): _clientTraceId = values; break;
        }
    }

    // For names of equal length, at least eight. string.Equals takes twice as long where the first requests are probes without a context,
    // because the tiered compiler then optimises for names that do not match. Setting the bit 0x20 makes letters lower-case; it makes other
    // characters equal only to control characters, which a field name cannot contain.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsName(string name, string known)
    {
        var a = MemoryMarshal.Cast<char, ushort>(name);
        var b = MemoryMarshal.Cast<char, ushort>(known);
        for (var i = 0; i < known.Length - 8; i += 8)
        {
            if (Lower(a[i..]) != Lower(b[i..])) return false;
        }

        return Lower(a[^8..]) == Lower(b[^8..]);

        static Vector128<ushort> Lower(ReadOnlySpan<ushort> text) => Vector128.Create(text) | Vector128.Create((ushort)0x20);
    }
}
