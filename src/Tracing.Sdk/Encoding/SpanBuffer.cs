namespace Tracing.Sdk.Encoding;

/// <summary>What became of a span that was to be appended.</summary>
internal enum AppendResult
{
    Appended,
    Full,
    Closed,
}

/// <summary>Encoded spans on their way from the threads that made them to the one that sends them.</summary>
/// <remarks>
/// A chain of blocks. Writers append to the last one and hang the next one onto it when it is sealed; the export thread reads the
/// sealed ones from the front and gives their bytes back. Writers use only atomic operations that cannot fail because of each other
/// more often than there are blocks.
/// </remarks>
internal sealed class SpanBuffer
{
    private readonly BlockPool _pool;
    private readonly int _batchSpans;
    private readonly int? _maxSpans;

    // Any thread.
    private SpanBlock _tail;
    private long _spans;

    // Export thread; the gate is for those who count, and is never taken by a writer.
    private readonly Lock _gate = new();
    private SpanBlock _head;
    private int _position;

    /// <param name="maxBytes">Bound of all blocks together.</param>
    /// <param name="batchSpans">So many spans are worth waking the export thread for.</param>
    /// <param name="maxSpans">Bound of the number of spans, or null.</param>
    public SpanBuffer(long maxBytes, int batchSpans, int? maxSpans)
    {
        _pool = new BlockPool(maxBytes);
        _batchSpans = batchSpans;
        _maxSpans = maxSpans;
        // No room: the first span rents the first real block.
        _head = _tail = new SpanBlock([], forErrors: false);
    }

    public long CapacityBytes => _pool.Capacity;

    /// <summary>Bytes of the blocks in use.</summary>
    public long UsedBytes => _pool.Used;

    /// <summary>Spans that were appended and are not settled.</summary>
    public long Unsettled
    {
        get
        {
            lock (_gate)
            {
                var count = 0L;
                for (var block = _head; block is not null; block = Volatile.Read(ref block.Next)) count += block.Count - block.Settled;
                return count;
            }
        }
    }

    /// <summary>Spans in the block that is being written.</summary>
    public int TailCount => Volatile.Read(ref _tail) is { IsSealed: false } tail ? tail.Count : 0;

    /// <summary>Whether there are blocks that can be read.</summary>
    public bool HasSealed => _head.IsSealed && (_position < _head.ReadSealed().Length || Volatile.Read(ref _head.Next) is { IsSealed: true });

    /// <summary>Appends a record; any thread, no waiting.</summary>
    /// <param name="record">Header and bytes.</param>
    /// <param name="isError">Whether the record may use the room kept for failed spans.</param>
    /// <param name="isDue">Whether a batch or a block has become full by it.</param>
    public AppendResult Append(ReadOnlySpan<byte> record, bool isError, out bool isDue)
    {
        isDue = false;
        if (_maxSpans is { } maxSpans && Interlocked.Increment(ref _spans) > (isError ? maxSpans : maxSpans - (maxSpans / 8)))
        {
            Interlocked.Decrement(ref _spans);
            return AppendResult.Full;
        }

        while (true)
        {
            var tail = Volatile.Read(ref _tail);
            if ((isError || !tail.ForErrors) && tail.TryAppend(record, out var count))
            {
                isDue |= count == _batchSpans;
                return AppendResult.Appended;
            }

            var result = Advance(tail, record.Length, isError);
            isDue |= tail.Count > 0;
            if (result == AppendResult.Appended) continue;
            if (_maxSpans is not null) Interlocked.Decrement(ref _spans);
            return result;
        }
    }

    /// <summary>Makes everything appended so far readable.</summary>
    public void Seal()
    {
        var tail = Volatile.Read(ref _tail);
        if (tail.Count > 0) tail.Seal();
    }

    /// <summary>Lets nothing more in, for good.</summary>
    public void Close()
    {
        var terminal = new SpanBlock([], forErrors: false) { IsTerminal = true };
        terminal.Seal();
        while (true)
        {
            var tail = Volatile.Read(ref _tail);
            if (tail.IsTerminal) return;
            tail.Seal();
            var next = Interlocked.CompareExchange(ref tail.Next, terminal, null) ?? terminal;
            Interlocked.CompareExchange(ref _tail, next, tail);
        }
    }

    /// <summary>Takes the next records, up to the batch's limits. Export thread.</summary>
    /// <returns>False when there is nothing to read.</returns>
    public bool TryTake(SpanBatch batch)
    {
        batch.Clear();
        var block = _head;
        var position = _position;
        while (block.IsSealed)
        {
            var records = block.ReadSealed();
            while (position < records.Length)
            {
                var (length, scope) = SpanBlock.GetHeader(records[position..]);
                if (!batch.TryAdd(block, position + SpanBlock.RecordHeader, length, scope)) return true;
                position += SpanBlock.RecordHeader + length;
            }

            if (Volatile.Read(ref block.Next) is not { } next) break;
            block = next;
            position = 0;
        }

        if (batch.Count > 0) return true;
        Settle(batch);
        return false;
    }

    /// <summary>Forgets the records of a batch and gives back the blocks that are empty now. Export thread.</summary>
    public void Settle(SpanBatch batch)
    {
        if (_maxSpans is not null) Interlocked.Add(ref _spans, -batch.Count);
        lock (_gate)
        {
            foreach (ref readonly var record in batch.Records)
            {
                while (_head != record.Block) Leave();
                _head.Settled++;
                _position = record.Offset + record.Length;
            }

            batch.Clear();
            // The last block stays as the place where the next one is hung on; its bytes need not.
            while (_head.IsSealed && _position >= _head.ReadSealed().Length && Volatile.Read(ref _head.Next) is not null) Leave();
            if (_head.IsSealed && _position >= _head.ReadSealed().Length)
            {
                _pool.Return(_head);
                _position = 0;
            }
        }
    }

    /// <summary>Gives memory back that a burst has left behind. Export thread, when it is idle.</summary>
    public void Trim() => _pool.Trim();

    private void Leave()
    {
        _pool.Return(_head);
        _head = _head.Next!;
        _position = 0;
    }

    private AppendResult Advance(SpanBlock tail, int size, bool isError)
    {
        if (tail.IsTerminal) return AppendResult.Closed;
        var next = Volatile.Read(ref tail.Next);
        if (next is null)
        {
            var fresh = _pool.TryRent(size, isError);
            if (fresh is null) return AppendResult.Full;
            tail.Seal();
            next = Interlocked.CompareExchange(ref tail.Next, fresh, null);
            if (next is null) next = fresh;
            else _pool.Return(fresh);
        }

        Interlocked.CompareExchange(ref _tail, next, tail);
        return AppendResult.Appended;
    }
}
