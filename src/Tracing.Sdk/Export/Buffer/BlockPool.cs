namespace Tracing.Sdk.Export.Buffer;

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
    private long _allocated;
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

    /// <summary>Bytes of all blocks, in use and free. At most <see cref="Capacity"/>.</summary>
    public long Allocated => Volatile.Read(ref _allocated);

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
            return new SpanBlock((size == BlockSize ? TakeFree() : null) ?? Allocate(size), forErrors: used > _limit);
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
        if (bytes.Length != BlockSize || !TryKeep(bytes)) Interlocked.Add(ref _allocated, -bytes.Length);
        // Last: a block is always in use, or free, or both for a moment. So a renter that is let in finds enough free blocks to give up.
        Interlocked.Add(ref _used, -bytes.Length);
    }

    /// <summary>Leaves to the garbage collector the free blocks that were not needed since the last call.</summary>
    public void Trim()
    {
        for (var unneeded = Volatile.Read(ref _leastFree) - KeptFree; unneeded > 0 && TryGiveUp(); unneeded--)
        {
        }

        Volatile.Write(ref _leastFree, Volatile.Read(ref _freeCount));
    }

    private byte[] Allocate(int size)
    {
        MakeRoom(size);
        try
        {
            return GC.AllocateUninitializedArray<byte>(size);
        }
        catch (OutOfMemoryException)
        {
            Interlocked.Add(ref _allocated, -size);
            throw;
        }
    }

    // Gives up free blocks until a new one fits. The bytes in use leave room for it, so what is missing is free, or about to be:
    // another thread is between two instructions.
    private void MakeRoom(int size)
    {
        var wait = default(SpinWait);
        while (true)
        {
            var allocated = Allocated;
            if (allocated + size > Capacity)
            {
                if (!TryGiveUp()) wait.SpinOnce();
            }
            else if (Interlocked.CompareExchange(ref _allocated, allocated + size, allocated) == allocated)
            {
                return;
            }
        }
    }

    private bool TryKeep(byte[] bytes)
    {
        for (var i = 0; i < _free.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _free[i], bytes, null) is not null) continue;
            Interlocked.Increment(ref _freeCount);
            return true;
        }

        return false;
    }

    // Leaves one free block to the garbage collector.
    private bool TryGiveUp()
    {
        if (TakeFree() is null) return false;
        Interlocked.Add(ref _allocated, -BlockSize);
        return true;
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
