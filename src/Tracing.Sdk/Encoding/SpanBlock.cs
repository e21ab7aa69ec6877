using System.Buffers.Binary;

namespace Tracing.Sdk.Encoding;

/// <summary>A run of bytes that holds records: one thread appends at a time, and one reads when no more is appended.</summary>
/// <remarks>Used once; its bytes are used again.</remarks>
internal sealed class SpanBlock(byte[] bytes, bool forErrors)
{
    /// <summary>Before each record: its length and the index of its scope.</summary>
    public const int RecordHeader = 8;

    private byte[] _bytes = bytes;
    private int _length;
    private int _count;

    /// <summary>The block that was handed over after this one; set once.</summary>
    public SpanBlock? Next;

    /// <summary>Whether only failed spans may use this block: the last room there is.</summary>
    public bool ForErrors { get; } = forErrors;

    /// <summary>The number of records.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>All records.</summary>
    public ReadOnlySpan<byte> Records => _bytes.AsSpan(0, _length);

    /// <summary>Appends a record: its header and bytes.</summary>
    /// <returns>False when there is no room for it.</returns>
    public bool TryAppend(ReadOnlySpan<byte> record)
    {
        if (!record.TryCopyTo(_bytes.AsSpan(_length))) return false;
        _length += record.Length;
        _count++;
        return true;
    }

    /// <summary>Takes the bytes away once every record is settled.</summary>
    public byte[] Detach()
    {
        var bytes = _bytes;
        (_bytes, _length) = ([], 0);
        return bytes;
    }

    public static void PutHeader(Span<byte> record, int scope)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length - RecordHeader);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], scope);
    }

    public static (int Length, int Scope) GetHeader(ReadOnlySpan<byte> record) =>
        (BinaryPrimitives.ReadInt32LittleEndian(record), BinaryPrimitives.ReadInt32LittleEndian(record[4..]));
}
