using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Buffer;

/// <summary>What became of a span that was to be appended.</summary>
internal enum AppendResult
{
    Appended,
    Full,
    Closed,
}

/// <summary>Encoded spans on their way from the threads that made them to the one that sends them.</summary>
/// <remarks>
/// <para>
/// Writers fill blocks, one block in each of a few slots. A thread has a favourite slot for each scope and goes on to the next one when
/// that is taken, so no writer waits for another. A block that is full, or old, is handed over: it is hung onto a chain that the export thread reads
/// from the front.
/// </para>
/// <para>
/// What a span costs here is one atomic operation, before its bytes are copied. One after the copy would wait until all of them have
/// come to this processor's cache from that of the export thread: that was a third of what a recorded span cost.
/// </para>
/// </remarks>
internal sealed class SpanBuffer
{
    // A slot holds a block: with more of them than this there would be no room for anything else.
    private const int BlocksForEachSlot = 4;

    private readonly BlockPool _pool;
    private readonly int _batchSpans;
    private readonly int? _maxSpans;
    // Half of that bound. So many spans are sent without waiting for a block to fill, because they may be spread over all slots.
    private readonly int _scarceSpans;

    // Any thread.
    private readonly Slot[] _slots;
    private SpanBlock _last;
    private long _handedOver;
    // Spans that count against the bound of their number.
    private long _limited;
    // Threads that append without a slot.
    private int _alone;
    private bool _isDue;
    private bool _isClosed;

    // Export thread; _settled is read by any thread.
    private SpanBlock _head;
    // The first span of it that is not settled.
    private int _next;
    private long _settled;

    /// <param name="maxBytes">Bound of all blocks together.</param>
    /// <param name="batchSpans">So many spans are worth waking the export thread for.</param>
    /// <param name="maxSpans">Bound of the number of spans, or null.</param>
    public SpanBuffer(long maxBytes, int batchSpans, int? maxSpans)
    {
        _pool = new BlockPool(maxBytes);
        _batchSpans = batchSpans;
        _maxSpans = maxSpans;
        _scarceSpans = maxSpans is { } most ? Math.Max(1, most / 2) : int.MaxValue;
        var slots = Math.Clamp(_pool.Capacity / _pool.BlockSize / BlocksForEachSlot, 1, 2 * Environment.ProcessorCount);
        _slots = new Slot[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slots + 1) / 2];
        // Empty: what is handed over first is hung onto it.
        _head = _last = new SpanBlock([], forErrors: false);
    }

    public long CapacityBytes => _pool.Capacity;

    /// <summary>Bytes of the blocks in use.</summary>
    public long UsedBytes => _pool.Used;

    /// <summary>Spans that were ever handed over to the export thread.</summary>
    public long HandedOver => Volatile.Read(ref _handedOver);

    /// <summary>Those of them that were delivered or given up.</summary>
    public long Settled => Volatile.Read(ref _settled);

    /// <summary>Spans that were appended and are not settled.</summary>
    public long Unsettled
    {
        get
        {
            // In this order, so that it is never negative.
            var count = -Settled;
            count += HandedOver;
            foreach (ref var slot in _slots.AsSpan()) count += Volatile.Read(ref slot.Block)?.Count ?? 0;
            return count;
        }
    }

    /// <summary>Whether blocks in slots wait for <see cref="Seal"/>: one has enough for a batch, or room has become scarce.</summary>
    public bool IsDue => Volatile.Read(ref _isDue) || (HandedOver == Settled && IsScarce);

    /// <summary>Whether enough was handed over for a batch, or so much that room becomes scarce. Blocks in slots are a quarter of it, but for the smallest buffers.</summary>
    public bool IsReady => HandedOver - Settled is > 0 and var count && (count >= _batchSpans || IsScarce);

    /// <summary>Whether half of the room is used.</summary>
    public bool IsScarce => UsedBytes >= CapacityBytes / 2 || Volatile.Read(ref _limited) >= _scarceSpans;

    /// <summary>Appends a span; any thread, no waiting.</summary>
    /// <param name="span">Its bytes.</param>
    /// <param name="scope">The index of its scope.</param>
    /// <param name="isError">Whether it may use the room kept for failed spans.</param>
    /// <param name="isDue">Whether the export thread has something to do now.</param>
    public AppendResult Append(ReadOnlySpan<byte> span, int scope, bool isError, out bool isDue)
    {
        isDue = false;
        if (_maxSpans is not { } maxSpans) return AppendToSlot(span, scope, isError, ref isDue);

        var result = AppendResult.Full;
        var limited = Interlocked.Increment(ref _limited);
        if (limited <= (isError ? maxSpans : maxSpans - (maxSpans / 8))) result = AppendToSlot(span, scope, isError, ref isDue);
        if (result != AppendResult.Appended) Interlocked.Decrement(ref _limited);
        if (limited == _scarceSpans || result == AppendResult.Full) isDue = Due();
        return result;
    }

    /// <summary>Hands everything over that was appended so far. Waits for writers that are copying just now.</summary>
    public void Seal()
    {
        Volatile.Write(ref _isDue, false);
        foreach (ref var slot in _slots.AsSpan())
        {
            var wait = default(SpinWait);
            while (!slot.TryEnter()) wait.SpinOnce();
            if (slot.Block is { Count: > 0 } block)
            {
                slot.Block = null;
                HandOver(block);
            }

            slot.Leave();
        }
    }

    /// <summary>Lets nothing more in, for good.</summary>
    public void Close()
    {
        Volatile.Write(ref _isClosed, true);
        // A writer that enters a slot after this sees that the buffer is closed.
        Seal();
        var wait = default(SpinWait);
        while (Volatile.Read(ref _alone) != 0) wait.SpinOnce();
    }

    /// <summary>Takes the next spans, up to the batch's limits. Export thread.</summary>
    /// <returns>False when there is nothing to read.</returns>
    public bool TryTake(SpanBatch batch)
    {
        batch.Clear();
        var next = _next;
        for (var block = _head; block is not null && batch.Add(block, next); block = Volatile.Read(ref block.Next)) next = 0;
        return batch.Count > 0;
    }

    /// <summary>Takes the spans that follow those of a batch that is not settled. Export thread.</summary>
    /// <returns>False when there is nothing to read.</returns>
    public static bool TryTakeAfter(SpanBatch before, SpanBatch batch)
    {
        batch.Clear();
        var next = before.Next;
        for (var block = before.LastBlock; block is not null && batch.Add(block, next); block = Volatile.Read(ref block.Next)) next = 0;
        return batch.Count > 0;
    }

    /// <summary>Forgets the spans of a batch and gives back the blocks that are empty now. Export thread.</summary>
    public void Settle(SpanBatch batch)
    {
        if (_maxSpans is not null) Interlocked.Add(ref _limited, -batch.Count);
        if (batch.LastBlock is { } last)
        {
            while (_head != last) LeaveBlock();
            _next = batch.Next;
        }

        Volatile.Write(ref _settled, _settled + batch.Count);
        batch.Clear();
        while (_next >= _head.Count && Volatile.Read(ref _head.Next) is not null) LeaveBlock();
        if (_next < _head.Count) return;
        // The last block stays as the place where the next one is hung on; its bytes need not.
        _pool.Return(_head);
        _next = 0;
    }

    /// <summary>Frees memory that was not needed since the last call. Export thread, now and then.</summary>
    public void Trim() => _pool.Trim();

    private AppendResult AppendToSlot(ReadOnlySpan<byte> span, int scope, bool isError, ref bool isDue)
    {
        var slots = _slots;
        // By scope as well, so that spans of one scope lie together: they are sent together.
        var favourite = (2 * Environment.CurrentManagedThreadId) + scope;
        for (var i = 0; i < slots.Length; i++)
        {
            ref var slot = ref slots[(favourite + i) & (slots.Length - 1)];
            if (!slot.TryEnter()) continue;
            try
            {
                if (Volatile.Read(ref _isClosed)) return AppendResult.Closed;
                var block = slot.Block;
                if (block is null || (block.ForErrors && !isError) || !block.TryAppend(span, scope))
                {
                    if (_pool.TryRent(span.Length, isError) is not { } fresh)
                    {
                        // What is in the slot need not grow old: sent, it makes room.
                        if (block is not null) isDue = Due();
                        return AppendResult.Full;
                    }

                    slot.Block = fresh;
                    fresh.TryAppend(span, scope);
                    if (block is not null) HandOver(block);
                    isDue = IsReady || IsDue;
                    block = fresh;
                }

                if (block.Count == _batchSpans) isDue = Due();
                return AppendResult.Appended;
            }
            finally
            {
                slot.Leave();
            }
        }

        return AppendAlone(span, scope, isError, ref isDue);
    }

    private bool Due()
    {
        // Read first: while the buffer is full, a write for each span would take the cache line from all other threads.
        if (!Volatile.Read(ref _isDue)) Volatile.Write(ref _isDue, true);
        return true;
    }

    // Every slot is taken, by threads that were interrupted while copying: rare enough for a block of its own.
    private AppendResult AppendAlone(ReadOnlySpan<byte> span, int scope, bool isError, ref bool isDue)
    {
        Interlocked.Increment(ref _alone);
        try
        {
            if (Volatile.Read(ref _isClosed)) return AppendResult.Closed;
            if (_pool.TryRent(span.Length, isError) is not { } block) return AppendResult.Full;
            block.TryAppend(span, scope);
            HandOver(block);
            isDue = IsReady;
            return AppendResult.Appended;
        }
        finally
        {
            Interlocked.Decrement(ref _alone);
        }
    }

    private void HandOver(SpanBlock block)
    {
        // Counted first: between the next two lines it is nowhere to be seen, and must not be taken for settled.
        Interlocked.Add(ref _handedOver, block.Count);
        var before = Interlocked.Exchange(ref _last, block);
        Volatile.Write(ref before.Next, block);
    }

    private void LeaveBlock()
    {
        var left = _head;
        _pool.Return(left);
        _head = left.Next!;
        _next = 0;
        // One that has grown old would keep the next one alive, and that the one after it: the collector would have to carry them all.
        left.Next = null;
    }

    /// <summary>A place for one block that is being written; no two of them share a cache line.</summary>
    private struct Slot
    {
        public SpanBlock? Block;
        private int _isTaken;
        private readonly Padding _padding;

        public bool TryEnter() => Volatile.Read(ref _isTaken) == 0 && Interlocked.Exchange(ref _isTaken, 1) == 0;

        public void Leave() => Volatile.Write(ref _isTaken, 0);
    }

    [StructLayout(LayoutKind.Sequential, Size = 112)]
    private readonly struct Padding;
}
