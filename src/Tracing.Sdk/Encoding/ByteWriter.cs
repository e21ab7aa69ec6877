using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.Unicode;

namespace Tracing.Sdk.Encoding;

/// <summary>The thread's own bytes, in which a span is encoded before it is copied into a block.</summary>
internal sealed class Scratch
{
    private const int InitialSize = 4 * 1024;

    // A thread that once met a huge span does not keep its bytes.
    private const int KeptSize = 64 * 1024;

    [ThreadStatic]
    private static Scratch? t_own;

    private bool _isTaken;

    public byte[] Bytes = new byte[InitialSize];

    /// <summary>The thread's scratch; another one when that is in use (a tag whose ToString() ends a span of its own).</summary>
    public static Scratch Take()
    {
        var scratch = t_own ??= new Scratch();
        if (scratch._isTaken) return new Scratch();
        scratch._isTaken = true;
        return scratch;
    }

    public void Return()
    {
        _isTaken = false;
        if (Bytes.Length > KeptSize) Bytes = new byte[InitialSize];
    }
}

/// <summary>A span outgrew what one span may have. Caught where the span was added, which counts it.</summary>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "Never leaves the encoding.")]
internal sealed class SpanTooLargeException : Exception;

/// <summary>Appends bytes to a <see cref="Scratch"/>, which grows up to a limit.</summary>
internal ref struct ByteWriter
{
    private readonly Scratch _scratch;
    private readonly int _limit;
    private Span<byte> _bytes;
    private int _position;

    public ByteWriter(Scratch scratch, int limit)
    {
        _scratch = scratch;
        _limit = limit;
        _bytes = scratch.Bytes;
    }

    public readonly int Position => _position;

    public readonly ReadOnlySpan<byte> Written => _bytes[.._position];

    /// <summary>The byte written last; 0 before the first.</summary>
    public readonly byte Last => _position == 0 ? (byte)0 : _bytes[_position - 1];

    /// <summary>At least <paramref name="count"/> free bytes; <see cref="Advance"/> says how many of them were used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int count)
    {
        if (_bytes.Length - _position < count) Grow(count);
        return _bytes[_position..];
    }

    /// <summary>Bytes that can be written without growing.</summary>
    public readonly int Room => _bytes.Length - _position;

    /// <summary>The next byte to write, for who has asked for <see cref="Room"/> and knows what he does.</summary>
    public readonly ref byte Next => ref Unsafe.Add(ref MemoryMarshal.GetReference(_bytes), _position);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int count) => _position += count;

    /// <summary>What was written from <see cref="Next"/> to <paramref name="end"/> counts.</summary>
    public void AdvanceTo(ref byte end) => _position += (int)Unsafe.ByteOffset(ref Next, ref end);

    /// <summary>Forgets everything that was written after <paramref name="position"/>.</summary>
    public void Rewind(int position) => _position = position;

    /// <summary>Bytes already written, to be patched.</summary>
    public readonly Span<byte> From(int position) => _bytes[position.._position];

    public void Write(byte value)
    {
        Reserve(1)[0] = value;
        _position++;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _position += bytes.Length;
    }

    /// <summary>Moves everything after <paramref name="position"/> by <paramref name="by"/> bytes, forwards or back.</summary>
    public void Shift(int position, int by)
    {
        if (by > 0) Reserve(by);
        _bytes[position.._position].CopyTo(_bytes[(position + by)..]);
        _position += by;
    }

    /// <summary>Writes text as UTF-8; a lone surrogate becomes U+FFFD.</summary>
    public void WriteUtf8(ReadOnlySpan<char> text)
    {
        var free = Reserve(MaxUtf8Length(text.Length));
        _position += Utf8Text.Write(text, free);
    }

    public void WriteNumber(long value)
    {
        _position += Digits.Put(ref MemoryMarshal.GetReference(Reserve(Digits.Room)), value);
    }

    private readonly int MaxUtf8Length(int chars)
    {
        // Three bytes at most for one UTF-16 unit.
        if (chars > _limit) throw new SpanTooLargeException();
        return chars * 3;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int count)
    {
        var needed = (long)_position + count;
        // Reservations are worst cases (three bytes a character), so the limit allows for that; what counts is what is written.
        if (_position > _limit || needed > 4L * _limit) throw new SpanTooLargeException();
        var larger = new byte[Math.Max(needed, 2L * _bytes.Length)];
        Written.CopyTo(larger);
        _scratch.Bytes = larger;
        _bytes = larger;
    }
}

/// <summary>Bytes that are written where room was made for them before.</summary>
internal static class Raw
{
    /// <summary>Writes a literal, inlined so that it is a move or two, and returns where it ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte Put(ref byte to, ReadOnlySpan<byte> literal)
    {
        literal.CopyTo(MemoryMarshal.CreateSpan(ref to, literal.Length));
        return ref Unsafe.Add(ref to, literal.Length);
    }

    /// <summary>Writes sixteen digits of an id, which are ASCII, and returns where they end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref byte PutHex(ref byte to, ReadOnlySpan<char> digits)
    {
        var chars = MemoryMarshal.Cast<char, ushort>(digits);
        Vector128.Narrow(Vector128.Create(chars), Vector128.Create(chars[8..])).StoreUnsafe(ref to);
        return ref Unsafe.Add(ref to, 16);
    }
}

/// <summary>UTF-16 to UTF-8 for texts that are short and nearly always ASCII.</summary>
internal static class Utf8Text
{
    /// <summary>Writes ASCII text, or nothing that counts when there is anything else in it.</summary>
    /// <param name="text">The text.</param>
    /// <param name="target">At least as long as <paramref name="text"/>.</param>
    public static bool TryWriteAscii(ReadOnlySpan<char> text, Span<byte> target) =>
        TryWriteAscii(text, ref MemoryMarshal.GetReference(target[..text.Length]));

    /// <summary>The same, where there is room for as many bytes as the text has characters.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryWriteAscii(ReadOnlySpan<char> text, ref byte to) => TryNarrow<Ascii>(text, ref to);

    /// <summary>Says which characters are not written as the byte of the same value.</summary>
    public interface IRule
    {
        /// <returns>Something in the place of each such character, zero in all others.</returns>
        static abstract Vector128<ushort> Find(Vector128<ushort> chars);
    }

    /// <summary>Writes each character as one byte, or nothing that counts when the rule finds any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryNarrow<TRule>(ReadOnlySpan<char> text, ref byte to)
        where TRule : struct, IRule
    {
        ref var source = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(text));
        return text.Length >= Vector128<ushort>.Count
            ? TryNarrowLong<TRule>(ref source, text.Length, ref to)
            : text.IsEmpty || TryNarrowShort<TRule>(ref source, text.Length, ref to);
    }

    // One vector holds the first and the last characters, which overlap: no loop over them.
    private static bool TryNarrowShort<TRule>(ref ushort source, int length, ref byte to)
        where TRule : struct, IRule
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

    private static bool TryNarrowLong<TRule>(ref ushort source, int length, ref byte to)
        where TRule : struct, IRule
    {
        // The last vector overlaps the one before it: no tail loop.
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

    // What does not fit a byte is found by the rule, so the instruction that saturates will do, where there is one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Narrow(Vector128<ushort> lower, Vector128<ushort> upper) =>
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

    /// <summary>At most <paramref name="limit"/> UTF-16 units, never half a surrogate pair.</summary>
    public static ReadOnlySpan<char> Cut(string text, int limit)
    {
        if (text.Length <= limit) return text;
        if (limit > 0 && char.IsHighSurrogate(text[limit - 1]) && char.IsLowSurrogate(text[limit])) limit--;
        return text.AsSpan(0, limit);
    }
}

/// <summary>The parts of the protobuf wire format that OTLP uses: https://protobuf.dev/programming-guides/encoding/</summary>
internal static class Protobuf
{
    public static int VarintLength(uint value) => value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;

    /// <summary>Writes to the start of <paramref name="target"/>, at most ten bytes, and returns their number.</summary>
    public static int PutVarint(Span<byte> target, ulong value)
    {
        var i = 0;
        while (value >= 0x80)
        {
            target[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[i++] = (byte)value;
        return i;
    }

    public static void WriteVarint(ref this ByteWriter writer, byte tag, ulong value)
    {
        var free = writer.Reserve(11);
        free[0] = tag;
        writer.Advance(1 + PutVarint(free[1..], value));
    }

    public static void WriteFixed64(ref this ByteWriter writer, byte tag, ulong value)
    {
        var free = writer.Reserve(9);
        free[0] = tag;
        BinaryPrimitives.WriteUInt64LittleEndian(free[1..], value);
        writer.Advance(9);
    }

    public static void WriteBytes(ref this ByteWriter writer, byte tag, ReadOnlySpan<byte> value)
    {
        var free = writer.Reserve(value.Length + 6);
        free[0] = tag;
        var length = 1 + PutVarint(free[1..], (uint)value.Length);
        value.CopyTo(free[length..]);
        writer.Advance(length + value.Length);
    }

    public static void WriteString(ref this ByteWriter writer, byte tag, ReadOnlySpan<char> value)
    {
        // Nearly all of them: ASCII, and its length is one byte.
        if (value.Length < 0x80)
        {
            ref var to = ref writer.Reserve(value.Length + 2)[0];
            if (Utf8Text.TryWriteAscii(value, ref Unsafe.Add(ref to, 2)))
            {
                Unsafe.WriteUnaligned(ref to, (ushort)(tag | (value.Length << 8)));
                writer.Advance(value.Length + 2);
                return;
            }
        }

        var message = writer.BeginMessage(tag, VarintLength((uint)value.Length));
        writer.WriteUtf8(value);
        writer.EndMessage(message);
    }

    /// <summary>Begins a message whose length will most likely take <paramref name="lengthBytes"/> bytes; when not, its bytes are moved.</summary>
    public static (int Start, int LengthBytes) BeginMessage(ref this ByteWriter writer, byte tag, int lengthBytes)
    {
        writer.Reserve(6)[0] = tag;
        writer.Advance(1 + lengthBytes);
        return (writer.Position, lengthBytes);
    }

    public static void EndMessage(ref this ByteWriter writer, (int Start, int LengthBytes) message)
    {
        var length = (uint)(writer.Position - message.Start);
        var actual = VarintLength(length);
        if (actual != message.LengthBytes) writer.Shift(message.Start, actual - message.LengthBytes);
        PutVarint(writer.From(message.Start - message.LengthBytes), length);
    }
}
