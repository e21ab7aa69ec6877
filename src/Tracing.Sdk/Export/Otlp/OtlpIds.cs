using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>Ids and flags as both encodings of OTLP have them.</summary>
internal static class OtlpIds
{
    private const uint IsRemoteKnown = 0x100;
    private const uint IsRemote = 0x200;

    /// <summary>Writes sixteen bytes.</summary>
    public static void Put(ref byte to, ActivityTraceId id)
    {
        // An id is always of this length.
        ref var hex = ref Digits(id.ToHexString());
        Decode(ref hex, ref to);
        Decode(ref Unsafe.Add(ref hex, 16), ref Unsafe.Add(ref to, 8));
    }

    /// <summary>Writes eight bytes.</summary>
    public static void Put(ref byte to, ActivitySpanId id) => Decode(ref Digits(id.ToHexString()), ref to);

    // Sixteen digits, which the id has checked: lower case only. '0' is 0x30, 'a' is 0x61: a letter has bit 6, and is 9 more than its low bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Decode(ref ushort hex, ref byte to)
    {
        var digits = Utf8Text.Narrow(Vector128.LoadUnsafe(ref hex), Vector128.LoadUnsafe(ref hex, 8));
        // Bit 6 is moved to where it counts 8 and to where it counts 1, and leaves its byte nowhere: shifts of pairs will do.
        var letters = (digits & Vector128.Create((byte)0x40)).AsUInt16();
        var values = (digits & Vector128.Create((byte)0x0F)).AsUInt16() + (letters >> 3) + (letters >> 6);
        // The digit that comes first is the upper half of the byte, and the lower half of the little-endian pair.
        var bytes = ((values << 4) | (values >> 8)) & Vector128.Create((ushort)0xFF);
        Unsafe.WriteUnaligned(ref to, Utf8Text.Narrow(bytes, bytes).AsUInt64().ToScalar());
    }

    private static ref ushort Digits(string hex) => ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(hex.AsSpan()));

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
