using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>Writes ids and flags as OTLP has them.</summary>
internal static class OtlpIds
{
    private const uint IsRemoteKnown = 0x100;
    private const uint IsRemote = 0x200;

    /// <summary>Writes sixteen bytes.</summary>
    public static void Write(ref byte to, ActivityTraceId id)
    {
        ref var hex = ref DigitsOf(id.ToHexString());
        Decode(ref hex, ref to);
        Decode(ref Unsafe.Add(ref hex, 16), ref Unsafe.Add(ref to, 8));
    }

    /// <summary>Writes eight bytes.</summary>
    public static void Write(ref byte to, ActivitySpanId id) => Decode(ref DigitsOf(id.ToHexString()), ref to);

    // Decodes sixteen digits, which are in lower case because the id has checked them. '0' is 0x30 and 'a' is 0x61: a letter has bit 6 set, and its value is 9 more
    // than its lower four bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Decode(ref ushort hex, ref byte to)
    {
        var digits = Utf8Text.Narrow(Vector128.LoadUnsafe(ref hex), Vector128.LoadUnsafe(ref hex, 8));
        // Bit 6 is moved to the places of 8 and of 1. It does not leave its byte, so shifts of two bytes at once serve.
        var letters = (digits & Vector128.Create((byte)0x40)).AsUInt16();
        var values = (digits & Vector128.Create((byte)0x0F)).AsUInt16() + (letters >> 3) + (letters >> 6);
        // The first digit is the upper half of the byte, and the lower byte of the little-endian pair.
        var bytes = ((values << 4) | (values >> 8)) & Vector128.Create((ushort)0xFF);
        Unsafe.WriteUnaligned(ref to, Utf8Text.Narrow(bytes, bytes).AsUInt64().ToScalar());
    }

    private static ref ushort DigitsOf(string hex) => ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(hex.AsSpan()));

    /// <summary>Returns the flags: bits 0-7 the W3C flags (the two that are defined), 8 "it is known whether the parent is remote", 9 "it is remote".</summary>
    public static uint FormatFlags(byte traceFlags, bool isRemote) => (traceFlags & 0x03u) | IsRemoteKnown | (isRemote ? IsRemote : 0);
}

/// <summary>Converts times to nanoseconds since 1970. Earlier times become 0.</summary>
internal static class OtlpTime
{
    // In the year 2262. Receivers read the nanoseconds into a signed 64-bit number, which holds no later time.
    private const long LastTick = long.MaxValue / 100;

    public static (ulong Start, ulong End) Read(Activity activity)
    {
        var start = activity.StartTimeUtc.Ticks;
        return (ToUnixNano(start), ToUnixNano(start + activity.Duration.Ticks));
    }

    public static ulong ToUnixNano(long utcTicks) => (ulong)Math.Clamp(utcTicks - DateTime.UnixEpoch.Ticks, 0, LastTick) * 100;
}
