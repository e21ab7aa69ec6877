using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Encoding.Otlp;

/// <summary>Ids and flags as both encodings of OTLP have them.</summary>
internal static class OtlpIds
{
    private const uint IsRemoteKnown = 0x100;
    private const uint IsRemote = 0x200;

    /// <summary>Writes sixteen bytes.</summary>
    public static void Put(ref byte to, ActivityTraceId id)
    {
        var hex = id.ToHexString();
        Decode(hex, ref to);
        Decode(hex.AsSpan(16), ref Unsafe.Add(ref to, 8));
    }

    /// <summary>Writes eight bytes.</summary>
    public static void Put(ref byte to, ActivitySpanId id) => Decode(id.ToHexString(), ref to);

    // Sixteen digits, which the id has checked: lower case only. '0' is 0x30, 'a' is 0x61: a letter has bit 6, and is 9 more than its low bits.
    private static void Decode(ReadOnlySpan<char> hex, ref byte to)
    {
        var chars = MemoryMarshal.Cast<char, ushort>(hex);
        var digits = Vector128.Narrow(Vector128.Create(chars), Vector128.Create(chars[8..]));
        var values = (digits & Vector128.Create((byte)0x0F)) + ((digits >> 6) * 9);
        // The digit that comes first is the upper half of the byte, and the lower half of the little-endian pair.
        var pairs = values.AsUInt16();
        var bytes = ((pairs << 4) | (pairs >> 8)) & Vector128.Create((ushort)0xFF);
        Unsafe.WriteUnaligned(ref to, Vector128.Narrow(bytes, bytes).AsUInt64().ToScalar());
    }

    /// <summary>Bits 0-7 W3C flags (only the two that are defined), 8 "it is known whether the other end is remote", 9 "it is".</summary>
    public static uint Flags(byte traceFlags, bool isRemote) => (traceFlags & 0x03u) | IsRemoteKnown | (isRemote ? IsRemote : 0);
}

/// <summary>Nanoseconds since 1970, never before.</summary>
internal static class OtlpTime
{
    // Later than this does not fit a signed 64-bit number of nanoseconds, which is what receivers read it into: the year 2262.
    private const long LastTick = long.MaxValue / 100;

    public static (ulong Start, ulong End) Of(Activity activity)
    {
        var start = activity.StartTimeUtc.Ticks;
        return (UnixNano(start), UnixNano(start + activity.Duration.Ticks));
    }

    public static ulong UnixNano(long utcTicks) => (ulong)Math.Clamp(utcTicks - DateTime.UnixEpoch.Ticks, 0, LastTick) * 100;
}
