using System.Buffers.Binary;

namespace Tracing.Sdk.Encoding;

/// <summary>A run of bytes that many threads append records to and one thread reads.</summary>
/// <remarks>
/// <para>
/// A writer reserves its room with one atomic addition, copies, and reports with a second one that it is done. Nobody waits: the
/// writer whose reservation does not fit any more has sealed the block by that, and all go on to the next one. The bytes are read
/// after the block is sealed and everything reserved before that was reported.
/// </para>
/// <para>
/// A block is never used again, only its bytes are: a writer that was held up between two steps finds a sealed block, not a new one.
/// </para>
/// </remarks>
internal sealed class SpanBlock(byte[] bytes, bool forErrors)
{
    /// <summary>Before each record: its length and the index of its scope.</summary>
    public const int RecordHeader = 8;

    // _reserved: the number of records in the upper bits, their bytes in the lower ones.
    private const int CountShift = 40;
    private const long OneRecord = 1L << CountShift;
    private const long BytesMask = OneRecord - 1;

    private byte[] _bytes = bytes;
    private readonly int _capacity = bytes.Length;

    // Any thread.
    private long _reserved;
    private long _committed;
    private long _sealed = -1;

    /// <summary>The block that writers go on to; set once.</summary>
    public SpanBlock? Next;

    /// <summary>Whether only failed spans may use this block: the last room there is.</summary>
    public bool ForErrors { get; } = forErrors;

    /// <summary>Whether nothing comes after this block and nothing goes into it: the buffer is closed.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>The export thread's: how many of the records were delivered or given up.</summary>
    public int Settled { get; set; }

    /// <summary>The number of records.</summary>
    public int Count
    {
        get
        {
            var reserved = Volatile.Read(ref _reserved);
            if ((reserved & BytesMask) <= _capacity) return (int)(reserved >> CountShift);
            // Sealed, or about to be: the thread that did it is one instruction away from saying so.
            var wait = default(SpinWait);
            while ((reserved = Volatile.Read(ref _sealed)) < 0) wait.SpinOnce();
            return (int)(reserved >> CountShift);
        }
    }

    public bool IsSealed => (Volatile.Read(ref _reserved) & BytesMask) > _capacity;

    /// <summary>Appends a record.</summary>
    /// <param name="record">The record's header and bytes.</param>
    /// <param name="count">How many records the block has now.</param>
    /// <returns>False when the block is sealed.</returns>
    public bool TryAppend(ReadOnlySpan<byte> record, out int count)
    {
        count = 0;
        if (IsSealed) return false;
        var after = Interlocked.Add(ref _reserved, OneRecord + record.Length);
        var before = after - OneRecord - record.Length;
        if ((after & BytesMask) > _capacity)
        {
            // Exactly one reservation crosses the end.
            if ((before & BytesMask) <= _capacity) Volatile.Write(ref _sealed, before);
            return false;
        }

        record.CopyTo(_bytes.AsSpan((int)(before & BytesMask)));
        Interlocked.Add(ref _committed, record.Length);
        count = (int)(after >> CountShift);
        return true;
    }

    /// <summary>Lets nothing more in.</summary>
    public void Seal()
    {
        if (IsSealed) return;
        var size = _capacity + 1L;
        var before = Interlocked.Add(ref _reserved, size) - size;
        if ((before & BytesMask) <= _capacity) Volatile.Write(ref _sealed, before);
    }

    /// <summary>The records of a sealed block; waits for writers that are still copying.</summary>
    public ReadOnlySpan<byte> ReadSealed()
    {
        var wait = default(SpinWait);
        long sealedAt;
        while ((sealedAt = Volatile.Read(ref _sealed)) < 0) wait.SpinOnce();
        var length = sealedAt & BytesMask;
        while (Volatile.Read(ref _committed) != length) wait.SpinOnce();
        return _bytes.AsSpan(0, _bytes.Length == 0 ? 0 : (int)length);
    }

    /// <summary>Takes the bytes away once every record is settled.</summary>
    public byte[] Detach() => Interlocked.Exchange(ref _bytes, []);

    public static void PutHeader(Span<byte> record, int scope)
    {
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length - RecordHeader);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], scope);
    }

    public static (int Length, int Scope) GetHeader(ReadOnlySpan<byte> record) =>
        (BinaryPrimitives.ReadInt32LittleEndian(record), BinaryPrimitives.ReadInt32LittleEndian(record[4..]));
}
