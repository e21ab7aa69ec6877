namespace Tracing.Sdk.Export.Buffer;

/// <summary>Rents the bytes of blocks, up to a limit, and keeps returned ones for the next block. Any thread; no lock.</summary>
internal sealed class BlockPool
{
    private const int MaxBlockSize = 64 * 1024;
    private const int MinBlockSize = 16 * 1024;
    private const int PreferredBlocks = 8;

    // Free blocks that are kept when the application is idle: one is written while the other is sent.
    private const int MinFree = 2;

    private readonly byte[]?[] _free;
    private readonly long _limit;
    private readonly long _limitForErrors;
    private long _used;
    private long _allocated;
    private int _freeCount;
    private int _minFreeCount;

    public BlockPool(long maxBytes)
    {
        BlockSize = (int)Math.Clamp(maxBytes / PreferredBlocks, MinBlockSize, MaxBlockSize);
        Capacity = Math.Max(maxBytes, 2L * BlockSize);
        _free = new byte[]?[Capacity / BlockSize];
        _limitForErrors = Capacity;
        // One eighth, but at least one block, is kept for failed spans.
        _limit = Capacity - Math.Max(Capacity / 8, BlockSize);
    }

    public int BlockSize { get; }
    public long Capacity { get; }

    /// <summary>The bytes of the blocks in use.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>The bytes of all blocks, in use and free. At most <see cref="Capacity"/>.</summary>
    public long Allocated => Volatile.Read(ref _allocated);

    /// <summary>Returns a block with room for a span of <paramref name="length"/> bytes, or null when the limit is reached.</summary>
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
            // The caller counts the span as dropped.
            Interlocked.Add(ref _used, -size);
            throw;
        }
    }

    public void Return(SpanBlock block)
    {
        var bytes = block.Detach();
        if (bytes.Length == 0) return;
        if (bytes.Length != BlockSize || !TryKeep(bytes)) Interlocked.Add(ref _allocated, -bytes.Length);
        // Last, so that a block counts as in use, as free, or for a moment as both: a renter that is within the limit then finds enough free blocks to release.
        Interlocked.Add(ref _used, -bytes.Length);
    }

    /// <summary>Releases the free blocks that were not needed since the last call.</summary>
    public void Trim()
    {
        for (var unneeded = Volatile.Read(ref _minFreeCount) - MinFree; unneeded > 0 && TryReleaseFree(); unneeded--) { }

        Volatile.Write(ref _minFreeCount, Volatile.Read(ref _freeCount));
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

    // Releases free blocks until a new one fits. The bytes in use leave room for it, so the missing bytes belong to free blocks, or to a block that another
    // thread is returning at this moment.
    private void MakeRoom(int size)
    {
        var wait = default(SpinWait);
        while (true)
        {
            var allocated = Allocated;
            if (allocated + size > Capacity)
            {
                if (!TryReleaseFree()) wait.SpinOnce();
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

    private bool TryReleaseFree()
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
            // Two threads at once may leave the larger number; then Trim releases a block that was needed.
            if (left < Volatile.Read(ref _minFreeCount)) Volatile.Write(ref _minFreeCount, left);
            return bytes;
        }

        return null;
    }
}
