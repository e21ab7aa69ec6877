using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Encoding;

/// <summary>A span is larger than <see cref="SpanEncoder.MaxSpanBytes"/>. Thrown by <see cref="ByteWriter"/>, caught by <see cref="SpanExporter.Add"/>.</summary>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It is caught inside the library.")]
internal sealed class SpanTooLargeException : Exception;

/// <summary>Appends bytes to a <see cref="Scratch"/>, which grows up to a limit.</summary>
internal ref struct ByteWriter(Scratch scratch, int limit)
{
    private readonly Scratch _scratch = scratch;
    private readonly int _limit = limit;
    private Span<byte> _bytes = scratch.Bytes;
    private int _position;

    public readonly int Position => _position;
    public readonly ReadOnlySpan<byte> Written => _bytes[.._position];

    /// <summary>The byte written last; 0 before the first.</summary>
    public readonly byte Last => _position == 0 ? (byte)0 : _bytes[_position - 1];

    /// <summary>Returns at least <paramref name="count"/> free bytes; the caller then advances over those that it has written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int count)
    {
        if (_bytes.Length - _position < count) Grow(count);
        return _bytes[_position..];
    }

    /// <summary>Bytes that can be written without growing.</summary>
    public readonly int Room => _bytes.Length - _position;

    /// <summary>The place of the next byte. The caller writes at most <see cref="Room"/> bytes there and then calls <see cref="AdvanceTo"/>.</summary>
    public readonly ref byte Next => ref Unsafe.Add(ref MemoryMarshal.GetReference(_bytes), _position);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int count) => _position += count;

    /// <summary>Advances over the bytes from <see cref="Next"/> to <paramref name="end"/>.</summary>
    public void AdvanceTo(ref byte end) => _position += (int)Unsafe.ByteOffset(ref Next, ref end);

    /// <summary>Removes everything that was written after <paramref name="position"/>.</summary>
    public void Rewind(int position) => _position = position;

    /// <summary>The bytes that were written after <paramref name="position"/>, to be changed.</summary>
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
        _position += RawBytes.WriteNumber(ref MemoryMarshal.GetReference(Reserve(RawBytes.MaxNumberLength)), value);
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
        // A reservation may be four times the limit, because it is for the worst case of three bytes a character; written bytes are checked exactly.
        if (_position > _limit || needed > 4L * _limit) throw new SpanTooLargeException();
        var larger = new byte[Math.Max(needed, 2L * _bytes.Length)];
        Written.CopyTo(larger);
        _scratch.Bytes = larger;
        _bytes = larger;
    }
}
