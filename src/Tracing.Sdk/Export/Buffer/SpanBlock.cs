using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Buffer;

/// <summary>A run of bytes that holds spans: one thread appends at a time, and one reads when no more is appended.</summary>
/// <remarks>
/// The spans lie one behind the other from the front, so that many of them are copied in one go. Where each ends, and which scope it
/// belongs to, stands at the back and grows towards them. Used once; its bytes are used again.
/// </remarks>
internal sealed class SpanBlock(byte[] bytes, bool forErrors)
{
    /// <summary>Bytes that a span takes at the back, besides its own.</summary>
    public const int EntrySize = 8;

    private byte[] _bytes = bytes;
    private int _length;
    private int _count;

    /// <summary>The block that was handed over after this one; set once.</summary>
    public SpanBlock? Next;

    /// <summary>Whether only failed spans may use this block: the last room there is.</summary>
    public bool ForErrors { get; } = forErrors;

    /// <summary>The number of spans.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes of all spans.</summary>
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

    /// <summary>Where a span ends, which is where the next one begins, and its scope.</summary>
    public Entry this[int index] => EntryAt(index);

    /// <summary>Where a span begins.</summary>
    public int StartOf(int index) => index == 0 ? 0 : EntryAt(index - 1).End;

    /// <summary>The spans between two places.</summary>
    public ReadOnlySpan<byte> Bytes(int start, int end) => _bytes.AsSpan(start, end - start);

    /// <summary>Takes the bytes away once every span is settled.</summary>
    public byte[] Detach()
    {
        var bytes = _bytes;
        (_bytes, _length, _count) = ([], 0, 0);
        return bytes;
    }

    private ref Entry EntryAt(int index) => ref Unsafe.As<byte, Entry>(ref MemoryMarshal.GetReference(_bytes.AsSpan(_bytes.Length - ((index + 1) * EntrySize), EntrySize)));

    public readonly record struct Entry(int End, int Scope);
}
