using System.Buffers.Binary;
using Tracing.Sdk.Export.Buffer;

namespace Tracing.Sdk.Tests.Export.Buffer;

public sealed class SpanBufferTests
{
    [Fact]
    public void TryTake_Appended_InOrder()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        for (var i = 0; i < 10; i++) Append(buffer, i);
        buffer.Seal();
        Assert.Equal(Enumerable.Range(0, 10), TakeAll(buffer));
        Assert.Equal(0, buffer.Unsettled);
    }

    [Fact]
    public void TryTake_NotSealed_NothingYet()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        Append(buffer, 1);
        Assert.Empty(TakeAll(buffer));
        Assert.Equal(1, buffer.Unsettled);
    }

    [Fact]
    public void TryTake_NotSettled_TakenAgain()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        Append(buffer, 1);
        buffer.Seal();
        var batch = new SpanBatch(10, 1000);
        Assert.True(buffer.TryTake(batch));
        Assert.True(buffer.TryTake(batch));
        Assert.Equal(1, batch.Count);
        buffer.Settle(batch);
        Assert.False(buffer.TryTake(batch));
    }

    [Theory]
    [InlineData(3, 1000, 3)]
    [InlineData(100, 30, 7)]
    [InlineData(100, 1, 1)]
    public void TryTake_MoreThanABatch_StopsAtTheLimit(int maxSpans, int maxBytes, int expected)
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        for (var i = 0; i < 10; i++) Append(buffer, i);
        buffer.Seal();
        var batch = new SpanBatch(maxSpans, maxBytes);
        Assert.True(buffer.TryTake(batch));
        Assert.Equal(expected, batch.Count);
    }

    [Fact]
    public void TryTake_SpansOfOneScope_AreOneRun()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        for (var i = 0; i < 10; i++) Append(buffer, i, scope: 3);
        buffer.Seal();
        var batch = new SpanBatch(512, 1024);
        buffer.TryTake(batch);
        Assert.Equal((3, 40), (Assert.Single(batch.Runs.ToArray()).Scope, batch.Bytes));
    }

    [Fact]
    public void TryTake_ScopesInTurn_LieApart()
    {
        // More room than the slots of one processor use.
        var buffer = new SpanBuffer(8 * 1024 * 1024, 512, null);
        for (var i = 0; i < 10; i++) Append(buffer, i, scope: i & 1);
        buffer.Seal();
        var batch = new SpanBatch(512, 1024);
        buffer.TryTake(batch);
        Assert.Equal([(0, 20), (1, 20)], batch.Runs.ToArray().Select(run => (run.Scope, run.Length)).Order());
    }

    [Fact]
    public void Add_SpansOfSeveralScopesInOneBlock_AreRunsInTheirOrder()
    {
        var block = new SpanBlock(new byte[1024], forErrors: false);
        foreach (var (number, scope) in ((int, int)[])[(1, 0), (2, 0), (3, 5), (4, 0)]) Assert.True(block.TryAppend(BitConverter.GetBytes(number), scope));
        var batch = new SpanBatch(512, 1024);
        Assert.True(batch.Add(block, 0));
        Assert.Equal([(0, 8), (5, 4), (0, 4)], batch.Runs.ToArray().Select(run => (run.Scope, run.Length)));
        Assert.Equal([0, 5], batch.Scopes);
        Assert.Equal([1, 2, 3, 4], Numbers(batch));
    }

    [Theory]
    [InlineData(2, 1024)]
    [InlineData(512, 11)]
    public void Add_BlockBeyondTheLimits_GoesOnWhereItStopped(int maxSpans, int maxBytes)
    {
        var block = new SpanBlock(new byte[1024], forErrors: false);
        for (var number = 1; number <= 5; number++) block.TryAppend(BitConverter.GetBytes(number), number / 2);
        var batch = new SpanBatch(maxSpans, maxBytes);
        var numbers = new List<List<int>>();
        for (var next = 0; next < block.Count; next = batch.Next)
        {
            batch.Clear();
            batch.Add(block, next);
            numbers.Add(Numbers(batch));
        }

        Assert.Equal([[1, 2], [3, 4], [5]], numbers);
    }

    [Fact]
    public void Append_Full_KeepsTheLastRoomForErrors()
    {
        var buffer = new SpanBuffer(128 * 1024, 512, null);
        var plain = 0;
        while (Append(buffer, 0, 1000) == AppendResult.Appended) plain++;
        Assert.Equal(AppendResult.Full, Append(buffer, 0, 1000));
        var errors = 0;
        while (Append(buffer, 0, 1000, isError: true) == AppendResult.Appended) errors++;
        Assert.InRange(errors, 10, plain / 4);
        Assert.InRange(buffer.UsedBytes, 1, buffer.CapacityBytes);
        Assert.Equal(plain + errors, buffer.Unsettled);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(128 * 1024)]
    public void Append_Full_CallsTheExportThread(int maxBytes)
    {
        var buffer = new SpanBuffer(maxBytes, 512, null);
        while (Append(buffer, 0, 1000) == AppendResult.Appended)
        {
            // Fewer than a batch, and no room for more.
        }

        Assert.True(buffer.IsDue || buffer.IsReady);
    }

    [Fact]
    public void IsScarce_HalfOfTheBytes_IsTrue()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        Assert.False(buffer.IsScarce);
        while (buffer.UsedBytes < buffer.CapacityBytes / 2) Append(buffer, 0, 1000);
        Assert.True(buffer.IsScarce);
    }

    [Fact]
    public void IsScarce_HalfOfTheNumber_IsTrue()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, maxSpans: 16);
        for (var i = 0; i < 7; i++) Append(buffer, i);
        Assert.False(buffer.IsScarce);
        Append(buffer, 7);
        Assert.True(buffer.IsScarce);
    }

    [Theory]
    [InlineData(1024, 512, 4)]
    [InlineData(1024, 512, 1)]
    [InlineData(64, 32, 4)]
    [InlineData(512, 512, 7)]
    [InlineData(256, 512, 4)]
    [InlineData(2, 1, 1)]
    [InlineData(1, 1, 1)]
    public void Append_HalfOfTheNumber_IsDueForAnyNumberOfScopes(int maxSpans, int batchSpans, int scopes)
    {
        var buffer = new SpanBuffer(8 * 1024 * 1024, batchSpans, maxSpans);
        var appended = 0;
        bool isDue;
        do
        {
            Assert.Equal(AppendResult.Appended, buffer.Append(new byte[100], appended % scopes, isError: false, out isDue));
            appended++;
        }
        while (!isDue);

        Assert.True(buffer.IsDue || buffer.IsReady);
        Assert.True(buffer.IsScarce || appended == batchSpans);
        Assert.InRange(appended, 1, Math.Max(1, maxSpans / 2));
    }

    [Fact]
    public void Append_HalfOfTheNumberFromSeveralThreads_OneOfThemIsTold()
    {
        const int Threads = 4;
        var buffer = new SpanBuffer(8 * 1024 * 1024, 512, maxSpans: 1024);
        var told = 0;
        Thread[] writers = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (var i = 0; i < 512 / Threads; i++)
            {
                buffer.Append(new byte[100], (2 * thread) + (i & 1), isError: false, out var isDue);
                if (isDue) Interlocked.Increment(ref told);
            }
        }))];
        foreach (var writer in writers) writer.Start();
        foreach (var writer in writers) writer.Join();

        Assert.NotEqual(0, told);
        Assert.True(buffer.IsDue);
    }

    [Fact]
    public void Append_HalfOfTheBytesInLargeSpansOfSeveralScopes_IsDue()
    {
        var buffer = new SpanBuffer(8 * 1024 * 1024, 512, null);
        var span = new byte[2_000_000];
        Assert.Equal(AppendResult.Appended, buffer.Append(span, 0, isError: false, out var first));
        Assert.Equal(AppendResult.Appended, buffer.Append(span, 1, isError: false, out _));
        Assert.Equal(AppendResult.Appended, buffer.Append(span, 2, isError: false, out var third));
        Assert.Equal((false, true), (first, third));
        Assert.True(buffer.IsDue || buffer.IsReady);
    }

    [Fact]
    public void IsDue_EverythingSettled_IsFalse()
    {
        var buffer = new SpanBuffer(8 * 1024 * 1024, 512, maxSpans: 64);
        while (Append(buffer, 0, 100_000) == AppendResult.Appended)
        {
            // Until it is full.
        }

        buffer.Seal();
        TakeAll(buffer);
        Assert.False(buffer.IsDue || buffer.IsReady);
    }

    [Fact]
    public void Append_NumberIsFull_IsDue()
    {
        var buffer = new SpanBuffer(8 * 1024 * 1024, 512, maxSpans: 1024);
        while (Append(buffer, 0) == AppendResult.Appended)
        {
            // The first half is being sent when the second one fills up.
            if (buffer.IsDue) buffer.Seal();
        }

        Assert.Equal(AppendResult.Full, buffer.Append(new byte[100], 0, isError: false, out var isDue));
        Assert.True(isDue && buffer.IsDue);
    }

    [Fact]
    public void TryRent_LargeAfterAllBlocksWereFree_StaysWithinTheBound()
    {
        var pool = new BlockPool(8 * 1024 * 1024);
        ReturnAll(pool, RentAll(pool, 1));
        Assert.Equal(pool.Capacity, pool.Allocated);

        var large = RentAll(pool, 2 * 1024 * 1024);
        Assert.Equal(3, large.Count);
        Assert.InRange(pool.Allocated, pool.Used, pool.Capacity);

        ReturnAll(pool, large);
        RentAll(pool, 1);
        Assert.InRange(pool.Allocated, pool.Used, pool.Capacity);
    }

    [Fact]
    public void TryRent_OfTheUsualSize_TakesAFreeBlock()
    {
        var pool = new BlockPool(8 * 1024 * 1024);
        ReturnAll(pool, [pool.TryRent(1, forError: false)!]);
        var allocated = pool.Allocated;
        pool.TryRent(1, forError: false);
        Assert.Equal(allocated, pool.Allocated);
    }

    [Fact]
    public void TryRent_ManyThreadsAndSizes_StaysWithinTheBound()
    {
        var pool = new BlockPool(1024 * 1024);
        var most = 0L;
        Thread[] renters = [.. Enumerable.Range(0, 4).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            var rented = new Queue<SpanBlock>();
            for (var i = 0; i < 20_000; i++)
            {
                if (pool.TryRent(random.Next(8) == 0 ? 200_000 : 1, forError: true) is { } block) rented.Enqueue(block);
                if (rented.Count > 0 && random.Next(2) == 0) pool.Return(rented.Dequeue());
                InterlockedMax(ref most, pool.Allocated);
            }

            foreach (var block in rented) pool.Return(block);
        }))];
        foreach (var renter in renters) renter.Start();
        foreach (var renter in renters) renter.Join();

        Assert.InRange(most, 1, pool.Capacity);
        Assert.Equal(0, pool.Used);
    }

    [Fact]
    public void TryRent_NoMemory_TakesNoRoom()
    {
        // Longer than any array, so that the runtime refuses it.
        var pool = new BlockPool(8L * 1024 * 1024 * 1024);
        Assert.Throws<OutOfMemoryException>(() => pool.TryRent(int.MaxValue - SpanBlock.EntrySize, forError: false));
        Assert.Equal((0, 0), (pool.Used, pool.Allocated));
    }

    [Fact]
    public void Append_RoomAgain_IsUsedByAll()
    {
        var buffer = new SpanBuffer(128 * 1024, 512, null);
        while (Append(buffer, 0, 1000, isError: true) == AppendResult.Appended)
        {
            // Fill it to the last byte.
        }

        buffer.Seal();
        TakeAll(buffer);
        Assert.Equal(AppendResult.Appended, Append(buffer, 1));
    }

    [Fact]
    public void Append_MaxSpans_KeepsTheLastEighthForErrors()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, 16);
        Assert.Equal(14, Enumerable.Range(0, 100).Count(_ => Append(buffer, 0) == AppendResult.Appended));
        Assert.Equal(2, Enumerable.Range(0, 100).Count(_ => Append(buffer, 0, isError: true) == AppendResult.Appended));
        buffer.Seal();
        TakeAll(buffer);
        Assert.Equal(AppendResult.Appended, Append(buffer, 0));
    }

    [Fact]
    public void Append_LargerThanABlock_GetsOneOfItsOwn()
    {
        var buffer = new SpanBuffer(8 * 1024 * 1024, 512, null);
        Append(buffer, 1);
        Assert.Equal(AppendResult.Appended, Append(buffer, 2, 3_000_000));
        Append(buffer, 3);
        buffer.Seal();
        Assert.Equal([1, 2, 3], TakeAll(buffer));
    }

    [Fact]
    public void Append_Closed_IsTold()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        Append(buffer, 1);
        buffer.Close();
        buffer.Close();
        Assert.Equal(AppendResult.Closed, Append(buffer, 2));
        Assert.Equal([1], TakeAll(buffer));
    }

    [Fact]
    public void Append_ManyThreadsWhileOneReads_NothingIsLostOrTwice()
    {
        const int Threads = 4;
        const int Each = 50_000;
        var buffer = new SpanBuffer(256 * 1024, 512, null);
        var full = 0;
        Thread[] writers = [.. Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                // Lengths of all kinds, some larger than a block.
                var result = Append(buffer, (thread * Each) + i, i % 5000 == 0 ? 100_000 : i % 97);
                if (result != AppendResult.Appended) Interlocked.Increment(ref full);
            }
        }))];
        foreach (var writer in writers) writer.Start();
        var taken = new HashSet<int>();
        while (writers.Any(writer => writer.IsAlive))
        {
            buffer.Seal();
            foreach (var number in TakeAll(buffer)) Assert.True(taken.Add(number));
        }

        buffer.Close();
        foreach (var number in TakeAll(buffer)) Assert.True(taken.Add(number));
        Assert.Equal(Threads * Each, taken.Count + full);
        Assert.Equal(0, buffer.Unsettled);
    }

    [Fact]
    public void Unsettled_PartOfABlockSettled_CountsTheRest()
    {
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        for (var i = 0; i < 10; i++) Append(buffer, i);
        buffer.Seal();
        var batch = new SpanBatch(4, 1000);
        buffer.TryTake(batch);
        buffer.Settle(batch);
        Assert.Equal(6, buffer.Unsettled);
    }

    private static List<SpanBlock> RentAll(BlockPool pool, int length)
    {
        var rented = new List<SpanBlock>();
        while (pool.TryRent(length, forError: true) is { } block) rented.Add(block);
        return rented;
    }

    private static void ReturnAll(BlockPool pool, List<SpanBlock> blocks) => blocks.ForEach(pool.Return);

    private static void InterlockedMax(ref long most, long value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most)) Interlocked.CompareExchange(ref most, value, seen);
    }

    private static AppendResult Append(SpanBuffer buffer, int number, int padding = 0, bool isError = false, int scope = 0)
    {
        var span = new byte[4 + padding];
        BinaryPrimitives.WriteInt32LittleEndian(span, number);
        return buffer.Append(span, scope, isError, out _);
    }

    // Each span begins with its number, and the block knows where it begins.
    private static List<int> Numbers(SpanBatch batch)
    {
        var numbers = new List<int>();
        foreach (ref readonly var run in batch.Runs)
        {
            for (var i = 0; i < run.Block.Count; i++)
            {
                var start = run.Block.StartOf(i);
                if (start >= run.Start && start < run.End) numbers.Add(BinaryPrimitives.ReadInt32LittleEndian(run.Block.Bytes(start, run.Block[i].End)));
            }
        }

        return numbers;
    }

    private static List<int> TakeAll(SpanBuffer buffer)
    {
        var taken = new List<int>();
        var batch = new SpanBatch(512, 1024 * 1024);
        while (buffer.TryTake(batch))
        {
            taken.AddRange(Numbers(batch));
            buffer.Settle(batch);
        }

        return taken;
    }
}
