using System.Runtime.InteropServices;

namespace Tracing.Sdk.Export.Buffer;

/// <summary>The result of <see cref="SpanBuffer.Append"/>.</summary>
internal enum AppendResult { Appended, Full, Closed }

/// <summary>The queue of encoded spans between the threads that end them and the export thread.</summary>
/// <remarks>
/// <para>
/// Writers fill blocks, one block in each of a few slots. A thread prefers one slot for each scope and uses the next one when that is taken, so no writer
/// waits for another. A block that is full, or old, is handed over: it is appended to a list that the export thread reads from the front.
/// </para>
/// <para>
/// The owner of a block, and the write that passes the block on:
/// </para>
/// <list type="number">
/// <item>In a slot, the thread that has entered the slot owns the block. <see cref="Slot.TryEnter"/> acquires what the previous owner wrote, and <see cref="Slot.Leave"/>
/// releases it. The exchange in TryEnter is the one atomic operation of an append, and it comes before the copy. An atomic operation after the copy would wait for the block's cache lines, which the
/// export thread has read last; that was a third of what a recorded span costs.</item>
/// <item>Handed over, the block belongs to the export thread, and no thread writes to it any more. The write to <see cref="SpanBlock.Next"/> of the block before it publishes the block
/// with its spans; the export thread reads Next with acquire semantics. <c>_handedOver</c> is raised before that write, so the spans are never missing from <see cref="Unsettled"/>.</item>
/// <item>Settled, its bytes return to the pool, whose exchanges publish them to the next writer. <c>_settled</c> is written after that.</item>
/// </list>
/// <para>
/// <see cref="Close"/> sets <c>_isClosed</c> and then enters every slot, so a writer that enters a slot later sees the flag. A writer without a slot raises <c>_writersWithoutSlot</c> before it reads
/// the flag, and Close reads that counter after it has set the flag. Both use full fences, so either the writer sees the flag, or Close sees the writer and waits for it.
/// </para>
/// </remarks>
internal sealed class SpanBuffer
{
    // Each slot holds a block, so slots get at most a quarter of the blocks.
    private const int BlocksForEachSlot = 4;

    private readonly BlockPool _pool;
    private readonly int _batchSpans;
    private readonly int? _maxSpans;
    // Half of _maxSpans. This many spans are sent without waiting for a block to fill, because they may be spread over all slots.
    private readonly int _scarceSpans;

    // Any thread.
    private readonly Slot[] _slots;
    // The block that was handed over last.
    private SpanBlock _last;
    private long _handedOver;
    // Spans that count against _maxSpans.
    private long _limited;
    private int _writersWithoutSlot;
    // A hint to the export thread.
    private bool _isDue;
    private bool _isClosed;

    // Written by the export thread, read by any thread.
    private long _settled;

    // Export thread only.
    private SpanBlock _head;
    // The first span of _head that is not settled.
    private int _next;

    /// <param name="maxBytes">Limit of the bytes of all blocks.</param>
    /// <param name="batchSpans">The number of spans that make a batch, for which the export thread is woken.</param>
    /// <param name="maxSpans">Limit of the spans, or null.</param>
    public SpanBuffer(long maxBytes, int batchSpans, int? maxSpans)
    {
        _pool = new BlockPool(maxBytes);
        _batchSpans = batchSpans;
        _maxSpans = maxSpans;
        _scarceSpans = maxSpans is { } most ? Math.Max(1, most / 2) : int.MaxValue;
        var slots = Math.Clamp(_pool.Capacity / _pool.BlockSize / BlocksForEachSlot, 1, 2 * Environment.ProcessorCount);
        _slots = new Slot[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slots + 1) / 2];
        // An empty block, to which the first block is appended.
        _head = _last = new SpanBlock([], forErrors: false);
    }

    public long CapacityBytes => _pool.Capacity;

    /// <summary>The bytes of the blocks in use.</summary>
    public long UsedBytes => _pool.Used;

    /// <summary>The number of spans that were handed over to the export thread since the start.</summary>
    public long HandedOver => Volatile.Read(ref _handedOver);

    /// <summary>The number of spans that were sent or dropped since the start.</summary>
    public long Settled => Volatile.Read(ref _settled);

    /// <summary>The number of spans in the buffer.</summary>
    public long Unsettled
    {
        get
        {
            // Settled is read before HandedOver, so the count is never negative.
            var count = -Settled;
            count += HandedOver;
            foreach (ref var slot in _slots.AsSpan()) count += Volatile.Read(ref slot.Block)?.Count ?? 0;
            return count;
        }
    }

    /// <summary>Whether <see cref="Seal"/> should be called: a block in a slot has enough spans for a batch, or room is scarce.</summary>
    public bool IsDue => Volatile.Read(ref _isDue) || (HandedOver == Settled && IsScarce);

    /// <summary>Whether enough spans were handed over for a batch, or any while room is scarce.</summary>
    public bool IsReady => HandedOver - Settled is > 0 and var count && (count >= _batchSpans || IsScarce);

    /// <summary>Whether half of the room is used.</summary>
    public bool IsScarce => UsedBytes >= CapacityBytes / 2 || Volatile.Read(ref _limited) >= _scarceSpans;

    /// <summary>Appends a span. Any thread; does not wait.</summary>
    /// <param name="span">The span's bytes.</param>
    /// <param name="scope">The index of the span's scope.</param>
    /// <param name="isError">Whether the span may use the room that is kept for failed spans.</param>
    /// <param name="isDue">Whether the export thread has work now.</param>
    public AppendResult Append(ReadOnlySpan<byte> span, int scope, bool isError, out bool isDue)
    {
        isDue = false;
        if (_maxSpans is not { } maxSpans) return AppendToSlot(span, scope, isError, ref isDue);

        var result = AppendResult.Full;
        var limited = Interlocked.Increment(ref _limited);
        if (limited <= (isError ? maxSpans : maxSpans - (maxSpans / 8))) result = AppendToSlot(span, scope, isError, ref isDue);
        if (result != AppendResult.Appended) Interlocked.Decrement(ref _limited);
        if (limited == _scarceSpans || result == AppendResult.Full) isDue = SetDue();
        return result;
    }

    /// <summary>Hands over all blocks in slots. Waits for writers that are copying a span.</summary>
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

    /// <summary>Refuses spans from now on, and hands over all blocks.</summary>
    public void Close()
    {
        Volatile.Write(ref _isClosed, true);
        Seal();
        var wait = default(SpinWait);
        while (Volatile.Read(ref _writersWithoutSlot) != 0) wait.SpinOnce();
    }

    /// <summary>Fills a batch with the next spans, which stay in the buffer. Export thread only.</summary>
    /// <returns>False when there is no span.</returns>
    public bool TryTake(SpanBatch batch)
    {
        batch.Clear();
        var next = _next;
        for (var block = _head; block is not null && batch.Add(block, next); block = Volatile.Read(ref block.Next)) next = 0;
        return batch.Count > 0;
    }

    /// <summary>Fills a batch with the spans behind those of another batch, which is not settled. Export thread only.</summary>
    /// <returns>False when there is no span.</returns>
    public static bool TryTakeAfter(SpanBatch before, SpanBatch batch)
    {
        batch.Clear();
        var next = before.Next;
        for (var block = before.LastBlock; block is not null && batch.Add(block, next); block = Volatile.Read(ref block.Next)) next = 0;
        return batch.Count > 0;
    }

    /// <summary>Removes the spans of a batch and returns the blocks that are empty now. Export thread only.</summary>
    public void Settle(SpanBatch batch)
    {
        if (_maxSpans is not null) Interlocked.Add(ref _limited, -batch.Count);
        if (batch.LastBlock is { } last)
        {
            while (_head != last) ReleaseHead();
            _next = batch.Next;
        }

        Volatile.Write(ref _settled, _settled + batch.Count);
        batch.Clear();
        while (_next >= _head.Count && Volatile.Read(ref _head.Next) is not null) ReleaseHead();
        if (_next < _head.Count) return;
        // The last block stays, because the next one is appended to it; its bytes are returned.
        _pool.Return(_head);
        _next = 0;
    }

    /// <summary>Releases the memory that was not needed since the last call. Export thread only.</summary>
    public void Trim() => _pool.Trim();

    private AppendResult AppendToSlot(ReadOnlySpan<byte> span, int scope, bool isError, ref bool isDue)
    {
        var slots = _slots;
        // By scope as well, because a request groups spans by scope: spans of one scope that lie side by side are sent as one run.
        var preferred = (2 * Environment.CurrentManagedThreadId) + scope;
        for (var i = 0; i < slots.Length; i++)
        {
            ref var slot = ref slots[(preferred + i) & (slots.Length - 1)];
            if (!slot.TryEnter()) continue;
            try
            {
                if (Volatile.Read(ref _isClosed)) return AppendResult.Closed;
                var block = slot.Block;
                if (block is null || (block.ForErrors && !isError) || !block.TryAppend(span, scope))
                {
                    if (_pool.TryRent(span.Length, isError) is not { } fresh)
                    {
                        // Sending the slot's block makes room.
                        if (block is not null) isDue = SetDue();
                        return AppendResult.Full;
                    }

                    slot.Block = fresh;
                    fresh.TryAppend(span, scope);
                    if (block is not null) HandOver(block);
                    isDue = IsReady || IsDue;
                    block = fresh;
                }

                if (block.Count == _batchSpans) isDue = SetDue();
                return AppendResult.Appended;
            }
            finally
            {
                slot.Leave();
            }
        }

        return AppendWithoutSlot(span, scope, isError, ref isDue);
    }

    private bool SetDue()
    {
        // Read before it is written: while the buffer is full, a write for each span would take the cache line from all other threads.
        if (!Volatile.Read(ref _isDue)) Volatile.Write(ref _isDue, true);
        return true;
    }

    // Rare: every slot is taken by a thread that was interrupted while it copied. The span gets a block of its own.
    private AppendResult AppendWithoutSlot(ReadOnlySpan<byte> span, int scope, bool isError, ref bool isDue)
    {
        Interlocked.Increment(ref _writersWithoutSlot);
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
            Interlocked.Decrement(ref _writersWithoutSlot);
        }
    }

    private void HandOver(SpanBlock block)
    {
        // Counted first: until its predecessor links to it, the block cannot be reached, and its spans must not count as settled.
        Interlocked.Add(ref _handedOver, block.Count);
        var before = Interlocked.Exchange(ref _last, block);
        Volatile.Write(ref before.Next, block);
    }

    private void ReleaseHead()
    {
        var left = _head;
        _pool.Return(left);
        _head = left.Next!;
        _next = 0;
        // Otherwise a block that the garbage collector has promoted would keep all later blocks alive.
        left.Next = null;
    }

    /// <summary>The place of one block that is written. Padded, so that no two slots share a cache line.</summary>
    private struct Slot
    {
        // Owned by the thread that has entered the slot; Unsettled reads it without entering.
        public SpanBlock? Block;
        private int _isTaken;
        private readonly Padding _padding;

        public bool TryEnter() => Volatile.Read(ref _isTaken) == 0 && Interlocked.Exchange(ref _isTaken, 1) == 0;
        public void Leave() => Volatile.Write(ref _isTaken, 0);
    }

    [StructLayout(LayoutKind.Sequential, Size = 112)]
    private readonly struct Padding;
}
