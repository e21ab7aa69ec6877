using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Propagation;

/// <summary>Lower-case hexadecimal, as the trace headers require it: an upper-case digit is an error.</summary>
internal static class Hex
{
    /// <summary>Reads sixteen digits.</summary>
    public static bool TryReadUInt64(ReadOnlySpan<char> text, out ulong value)
    {
        value = 0;
        if (text.Length != 16) return false;

        // Reads all sixteen at once: a character beyond one byte becomes 0xFF, which is no digit.
        var characters = MemoryMarshal.Cast<char, ushort>(text);
        var bytes = Vector128.NarrowWithSaturation(Vector128.Create(characters), Vector128.Create(characters[8..]));
        var decimals = bytes - Vector128.Create((byte)'0');
        var letters = bytes - Vector128.Create((byte)'a');
        var isDecimal = Vector128.LessThan(decimals, Vector128.Create((byte)10));
        var isLetter = Vector128.LessThan(letters, Vector128.Create((byte)6));
        if ((isDecimal | isLetter) != Vector128<byte>.AllBitsSet) return false;

        // Two digits form a byte, the left one its upper half; the left-most byte is the most significant.
        var pairs = Vector128.ConditionalSelect(isDecimal, decimals, letters + Vector128.Create((byte)10)).AsUInt16();
        var values = ((pairs << 4) | (pairs >> 8)) & Vector128.Create((ushort)0xFF);
        value = BinaryPrimitives.ReverseEndianness(Vector128.Narrow(values, values).AsUInt64().ToScalar());
        return true;
    }

    /// <summary>Reads two digits.</summary>
    public static bool TryReadByte(char high, char low, out byte value)
    {
        value = 0;
        if (!char.IsAsciiHexDigitLower(high) || !char.IsAsciiHexDigitLower(low)) return false;
        value = (byte)((ValueOf(high) << 4) | ValueOf(low));
        return true;

        static int ValueOf(char digit) => digit <= '9' ? digit - '0' : digit - 'a' + 10;
    }

    /// <summary>Writes sixteen digits.</summary>
    public static void WriteUInt64(ulong value, Span<char> text)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        _ = Convert.TryToHexStringLower(bytes, text, out _);
    }

    public static ulong ToUInt64(ActivitySpanId id)
    {
        Span<byte> bytes = stackalloc byte[8];
        id.CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
