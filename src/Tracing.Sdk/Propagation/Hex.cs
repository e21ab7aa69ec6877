using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Propagation;

/// <summary>Lower-case hexadecimal, the only kind that trace headers know. An upper-case digit is an error, not a spelling.</summary>
internal static class Hex
{
    private const byte Invalid = 0xFF;

    // Indexed by character; everything that is no lower-case digit has the high bits set, so one OR finds it at the end.
    private static ReadOnlySpan<byte> Values =>
    [
        Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        Invalid, 10, 11, 12, 13, 14, 15, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
        Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid, Invalid,
    ];

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    /// <summary>Reads sixteen digits.</summary>
    public static bool TryReadUInt64(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        if (text.Length != 16) return false;
        uint seen = 0;
        foreach (var c in text)
        {
            var digit = ValueOf(c);
            seen |= digit;
            value = (value << 4) | (digit & 0xF);
        }

        if (seen <= 0xF) return true;
        value = 0;
        return false;
    }

    /// <summary>Reads two digits.</summary>
    public static bool TryReadByte(char high, char low, out byte value)
    {
        var h = ValueOf(high);
        var l = ValueOf(low);
        value = (byte)((h << 4) | (l & 0xF));
        return (h | l) <= 0xF;
    }

    public static void WriteUInt64(ulong value, Span<char> text)
    {
        for (var i = 15; i >= 0; i--)
        {
            text[i] = (char)Digits[(int)(value & 0xF)];
            value >>= 4;
        }
    }

    public static string ToString(ulong value) =>
        string.Create(16, value, static (text, id) => WriteUInt64(id, text));

    public static ulong ToUInt64(ActivitySpanId id)
    {
        _ = TryReadUInt64(id.ToHexString(), out var value);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ValueOf(char c) => c < 128 ? Values[c] : Invalid;
}
