using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.Unicode;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>Converts UTF-16 to UTF-8, for texts that are short and in most cases ASCII.</summary>
internal static class Utf8Text
{
    /// <summary>Writes ASCII text. Returns false for any other text; the target's content is then undefined.</summary>
    /// <param name="text">The text.</param>
    /// <param name="target">At least as long as <paramref name="text"/>.</param>
    public static bool TryWriteAscii(ReadOnlySpan<char> text, Span<byte> target) =>
        TryWriteAscii(text, ref MemoryMarshal.GetReference(target[..text.Length]));

    /// <summary>Writes ASCII text where there is room for as many bytes as the text has characters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryWriteAscii(ReadOnlySpan<char> text, ref byte to) => TryNarrow<Ascii>(text, ref to);

    /// <summary>Finds the characters that are not written as one byte of the same value.</summary>
    public interface IRule
    {
        /// <returns>Not zero in the place of each such character, zero in all others.</returns>
        static abstract Vector128<ushort> Find(Vector128<ushort> chars);
    }

    /// <summary>Writes each character as one byte. Returns false when the rule finds a character; the target's content is then undefined.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryNarrow<TRule>(ReadOnlySpan<char> text, ref byte to) where TRule : struct, IRule
    {
        ref var source = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(text));
        return text.Length >= Vector128<ushort>.Count
            ? TryNarrowLong<TRule>(ref source, text.Length, ref to)
            : text.IsEmpty || TryNarrowShort<TRule>(ref source, text.Length, ref to);
    }

    // Writes the first four and the last four characters, or the first, the middle and the last, which may overlap: there is no loop.
    private static bool TryNarrowShort<TRule>(ref ushort source, int length, ref byte to) where TRule : struct, IRule
    {
        if (length >= 4)
        {
            var tail = length - 4;
            var ends = Vector128.Create(Load(ref source, 0), Load(ref source, tail)).AsUInt16();
            var bytes = Narrow(ends, ends).AsUInt32();
            Unsafe.WriteUnaligned(ref to, bytes.ToScalar());
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, tail), bytes.GetElement(1));
            return TRule.Find(ends) == Vector128<ushort>.Zero;
        }

        var (middle, last) = (length >> 1, length - 1);
        ulong a = source, b = Unsafe.Add(ref source, middle), c = Unsafe.Add(ref source, last);
        to = (byte)a;
        Unsafe.Add(ref to, middle) = (byte)b;
        Unsafe.Add(ref to, last) = (byte)c;
        return TRule.Find(Vector128.Create(a | (b << 16) | (c << 32) | (c << 48)).AsUInt16()) == Vector128<ushort>.Zero;

        static ulong Load(ref ushort source, int at) => Unsafe.ReadUnaligned<ulong>(ref Unsafe.As<ushort, byte>(ref Unsafe.Add(ref source, at)));
    }

    private static bool TryNarrowLong<TRule>(ref ushort source, int length, ref byte to) where TRule : struct, IRule
    {
        // The last vector may overlap the one before it, so there is no loop over the remaining characters.
        var last = length - Vector128<ushort>.Count;
        var tail = Vector128.LoadUnsafe(ref source, (nuint)last);
        var found = TRule.Find(tail);
        var i = 0;
        for (; i < last - Vector128<ushort>.Count; i += 2 * Vector128<ushort>.Count)
        {
            var (one, two) = (Vector128.LoadUnsafe(ref source, (nuint)i), Vector128.LoadUnsafe(ref source, (nuint)(i + Vector128<ushort>.Count)));
            found |= TRule.Find(one) | TRule.Find(two);
            Narrow(one, two).StoreUnsafe(ref to, (nuint)i);
        }

        if (i < last)
        {
            var chars = Vector128.LoadUnsafe(ref source, (nuint)i);
            found |= TRule.Find(chars);
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, i), Narrow(chars, chars).AsUInt64().ToScalar());
        }

        Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, last), Narrow(tail, tail).AsUInt64().ToScalar());
        return found == Vector128<ushort>.Zero;
    }

    /// <summary>Returns the lower byte of each character below 0x100; for any other character the byte is undefined, so the saturating instruction serves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Narrow(Vector128<ushort> lower, Vector128<ushort> upper) =>
        Sse2.IsSupported ? Sse2.PackUnsignedSaturate(lower.AsInt16(), upper.AsInt16()) : Vector128.Narrow(lower, upper);

    private readonly struct Ascii : IRule
    {
        public static Vector128<ushort> Find(Vector128<ushort> chars) => chars & Vector128.Create((ushort)0xFF80);
    }

    /// <summary>Writes any text; a lone surrogate becomes U+FFFD.</summary>
    /// <param name="text">The text.</param>
    /// <param name="target">At least three times as long as <paramref name="text"/>.</param>
    /// <returns>The number of bytes.</returns>
    public static int Write(ReadOnlySpan<char> text, Span<byte> target)
    {
        if (TryWriteAscii(text, target)) return text.Length;
        Utf8.FromUtf16(text, target, out _, out var written);
        return written;
    }

    /// <summary>Returns at most <paramref name="limit"/> UTF-16 units, and no half of a surrogate pair.</summary>
    public static ReadOnlySpan<char> Cut(string text, int limit)
    {
        if (text.Length <= limit) return text;
        if (limit > 0 && char.IsHighSurrogate(text[limit - 1]) && char.IsLowSurrogate(text[limit])) limit--;
        return text.AsSpan(0, limit);
    }
}
