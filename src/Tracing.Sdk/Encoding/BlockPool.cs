namespace Tracing.Sdk.Encoding;

/// <summary>The bytes for blocks: never more of them than allowed, used again and again.</summary>
/// <remarks>Any thread; no lock.</remarks>
internal sealed class BlockPool
{
    private const int MaxBlockSize = 64 * 1024;
    private const int MinBlockSize = 16 * 1024;
    private const int BlocksWanted = 8;

    // Kept when nothing happens: one is written while the other is sent.
    private const int KeptFree = 2;

    private readonly byte[]?[] _free;
    private readonly long _limit;
    private readonly long _limitForErrors;
    private long _used;
    private int _freeCount;
    private int _leastFree;

    public BlockPool(long maxBytes)
    {
        BlockSize = (int)Math.Clamp(maxBytes / BlocksWanted, MinBlockSize, MaxBlockSize);
        Capacity = Math.Max(maxBytes, 2L * BlockSize);
        _free = new byte[]?[Capacity / BlockSize];
        _limitForErrors = Capacity;
        // One eighth, or one block, is kept for spans that failed.
        _limit = Capacity - Math.Max(Capacity / 8, BlockSize);
    }

    public int BlockSize { get; }

    public long Capacity { get; }

    /// <summary>Bytes of the blocks in use.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Makes a block with room for a span of <paramref name="length"/> bytes, or none when the limit is reached.</summary>
    public SpanBlock? TryRent(int length, bool forError)
    {
        var size = Math.Max(length + SpanBlock.EntrySize, BlockSize);
        var used = Interlocked.Add(ref _used, size);
        if (used > (forError ? _limitForErrors : _limit))
        {
            Interlocked.Add(ref _used, -size);
            return null;
        }

        try
        {
            return new SpanBlock((size == BlockSize ? TakeFree() : null) ?? GC.AllocateUninitializedArray<byte>(size), forErrors: used > _limit);
        }
        catch (OutOfMemoryException)
        {
            // The caller counts the span; the room is there again when memory is.
            Interlocked.Add(ref _used, -size);
            throw;
        }
    }

    public void Return(SpanBlock block)
    {
        var bytes = block.Detach();
        if (bytes.Length == 0) return;
        Interlocked.Add(ref _used, -bytes.Length);
        if (bytes.Length != BlockSize) return;
        for (var i = 0; i < _free.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _free[i], bytes, null) is not null) continue;
            Interlocked.Increment(ref _freeCount);
            return;
        }
    }

    /// <summary>Gives the memory of those blocks back to the process that nobody has needed since the last time.</summary>
    public void Trim()
    {
        for (var unneeded = Volatile.Read(ref _leastFree) - KeptFree; unneeded > 0; unneeded--) TakeFree();
        Volatile.Write(ref _leastFree, Volatile.Read(ref _freeCount));
    }

    private byte[]? TakeFree()
    {
        for (var i = 0; i < _free.Length; i++)
        {
            if (Volatile.Read(ref _free[i]) is null || Interlocked.Exchange(ref _free[i], null) is not { } bytes) continue;
            var left = Interlocked.Decrement(ref _freeCount);
            // Two at once may leave the larger number: then a block is given back that would have been needed.
            if (left < Volatile.Read(ref _leastFree)) Volatile.Write(ref _leastFree, left);
            return bytes;
        }

        return null;
    }
}
