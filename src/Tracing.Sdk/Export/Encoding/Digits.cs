using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>Numbers as decimal text, eight digits at a time: ports, status codes and times are on every span.</summary>
internal static class Digits
{
    /// <summary>How many bytes a number may touch, whether they count or not.</summary>
    public const int Room = 24;

    private const uint EightDigits = 100_000_000;
    private const ulong Zeros = 0x3030303030303030;

    /// <summary>Writes a number where there is <see cref="Room"/> and returns its length.</summary>
    public static int Put(ref byte to, long value)
    {
        if ((ulong)value < EightDigits) return PutSmall(ref to, (uint)value);
        if ((ulong)value < (ulong)EightDigits * EightDigits)
        {
            var (high, low) = Math.DivRem((ulong)value, EightDigits);
            var length = PutSmall(ref to, (uint)high);
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, length), Split((uint)low) + Zeros);
            return length + 8;
        }

        value.TryFormat(MemoryMarshal.CreateSpan(ref to, Room), out var written, default, CultureInfo.InvariantCulture);
        return written;
    }

    // At most eight digits: the zeros before the first one are shifted out.
    private static int PutSmall(ref byte to, uint value)
    {
        var digits = Split(value);
        var unused = BitOperations.TrailingZeroCount(digits | (1UL << 56)) & ~7;
        Unsafe.WriteUnaligned(ref to, (digits + Zeros) >> unused);
        return 8 - (unused >> 3);
    }

    // Eight digits, the first one in the lowest byte: halves, then pairs, then digits, all of a kind at once. To multiply and shift is to
    // divide by 100 (exact below 10,000) and by 10 (exact below 100).
    private static ulong Split(uint value)
    {
        ulong high = value / 10_000;
        var halves = high | ((value - (high * 10_000)) << 32);
        var hundreds = ((halves * 5243) >> 19) & 0x0000007F_0000007F;
        var pairs = hundreds | ((halves - (hundreds * 100)) << 16);
        var tens = ((pairs * 103) >> 10) & 0x000F_000F_000F_000F;
        return tens | ((pairs - (tens * 10)) << 8);
    }
}
