using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>Writes to a reference without a check: the caller has reserved the room.</summary>
internal static class RawBytes
{
    /// <summary>The room that <see cref="WriteNumber"/> needs: the digits and the sign of any 64-bit number.</summary>
    public const int MaxNumberLength = 20;

    /// <summary>Writes a literal and returns the place after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte Write(ref byte to, ReadOnlySpan<byte> literal)
    {
        literal.CopyTo(MemoryMarshal.CreateSpan(ref to, literal.Length));
        return ref Unsafe.Add(ref to, literal.Length);
    }

    /// <summary>Writes sixteen hexadecimal digits, which are ASCII, and returns the place after them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte WriteHex(ref byte to, ReadOnlySpan<char> digits)
    {
        var chars = MemoryMarshal.Cast<char, ushort>(digits);
        Vector128.Narrow(Vector128.Create(chars), Vector128.Create(chars[8..])).StoreUnsafe(ref to);
        return ref Unsafe.Add(ref to, 16);
    }

    /// <summary>Writes a number as decimal text and returns its length.</summary>
    public static int WriteNumber(ref byte to, long value)
    {
        value.TryFormat(MemoryMarshal.CreateSpan(ref to, MaxNumberLength), out var written, default, CultureInfo.InvariantCulture);
        return written;
    }
}
