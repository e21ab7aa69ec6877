using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

public sealed class SpanCountsTests
{
    [Fact]
    public void Started_ManyThreadsAtOnce_IsExact()
    {
        const int Each = 100_000;
        var counts = new SpanCounts();
        OnThreads(4, () =>
        {
            for (var i = 0; i < Each; i++) counts.Start();
        });
        Assert.Equal((4 * Each, 0), (counts.Started, counts.Ended));
    }

    [Fact]
    public void Ended_ThreadsThatCameAndWent_AreNotForgotten()
    {
        var counts = new SpanCounts();
        for (var i = 0; i < 100; i++)
        {
            OnThreads(3, () =>
            {
                counts.Start();
                counts.End();
            });
        }

        Assert.Equal((300, 300), (counts.Started, counts.Ended));
    }

    [Fact]
    public void TakeBack_OnAnotherThreadThanTheStart_LeavesTheSumRight()
    {
        var counts = new SpanCounts();
        OnThreads(3, counts.Start);
        OnThreads(2, counts.TakeBack);

        Assert.Equal((1, 0), (counts.Started, counts.Ended));
    }

    [Fact]
    public void Start_SeveralOnOneThreadInTurn_AreApart()
    {
        SpanCounts[] all = [new(), new(), new()];
        for (var i = 0; i < 10; i++)
        {
            foreach (var counts in all) counts.Start();
            all[2].End();
        }

        Assert.Equal([(10, 0), (10, 0), (10, 10)], all.Select(counts => ((int)counts.Started, (int)counts.Ended)));
    }

    [Fact]
    public void Start_AfterOthersWereClosed_StillCounts()
    {
        SpanCounts[] all = [new(), new(), new(), new()];
        foreach (var counts in all) counts.Start();
        all[0].Close();
        all[2].Close();
        all[3].Close();
        var fresh = new SpanCounts();
        fresh.Start();
        all[1].Start();
        Assert.Equal((1, 2), (fresh.Started, all[1].Started));
    }

    private static void OnThreads(int count, ThreadStart action)
    {
        Thread[] threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(action))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
    }
}
