using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tracing.Sdk.Export.Encoding;

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
