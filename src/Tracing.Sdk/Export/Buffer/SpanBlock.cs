using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Buffer;

/// <summary>A block of encoded spans. One thread at a time appends; the export thread reads when no thread appends any more.</summary>
/// <remarks>The spans lie side by side from the front, so that many of them are sent at once. The end and the scope of each span stand at the back, in entries that grow
/// towards the front. A block is used once; its bytes are used again.</remarks>
internal sealed class SpanBlock(byte[] bytes, bool forErrors)
{
    /// <summary>The bytes of a span's entry at the back.</summary>
    public const int EntrySize = 8;

    private byte[] _bytes = bytes;
    private int _length;
    private int _count;

    /// <summary>The block that was handed over after this one. Written once; the write publishes that block.</summary>
    public SpanBlock? Next;

    /// <summary>Whether only failed spans may use this block, because it is of the room that is kept for them.</summary>
    public bool ForErrors { get; } = forErrors;
    public int Count => Volatile.Read(ref _count);

    /// <summary>The bytes of all spans.</summary>
    public int Length => _length;

    /// <summary>Whether all spans are of one scope.</summary>
    public bool IsOfOneScope { get; private set; } = true;

    /// <summary>Appends a span.</summary>
    /// <returns>False when there is no room for it.</returns>
    public bool TryAppend(ReadOnlySpan<byte> span, int scope)
    {
        var end = _length + span.Length;
        if (end + ((_count + 1) * EntrySize) > _bytes.Length) return false;
        span.CopyTo(_bytes.AsSpan(_length));
        EntryAt(_count) = new Entry(end, scope);
        if (scope != EntryAt(0).Scope) IsOfOneScope = false;
        _length = end;
        _count++;
        return true;
    }

    /// <summary>The end of a span, which is the start of the next one, and its scope.</summary>
    public Entry this[int index] => EntryAt(index);

    public int StartOf(int index) => index == 0 ? 0 : EntryAt(index - 1).End;
    public ReadOnlySpan<byte> Bytes(int start, int end) => _bytes.AsSpan(start, end - start);

    /// <summary>Removes the bytes, when every span is settled.</summary>
    public byte[] Detach()
    {
        var bytes = _bytes;
        (_bytes, _length, _count) = ([], 0, 0);
        return bytes;
    }

    private ref Entry EntryAt(int index) => ref Unsafe.As<byte, Entry>(ref MemoryMarshal.GetReference(_bytes.AsSpan(_bytes.Length - ((index + 1) * EntrySize), EntrySize)));

    public readonly record struct Entry(int End, int Scope);
}
