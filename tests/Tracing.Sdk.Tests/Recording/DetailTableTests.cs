using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

public sealed class DetailTableTests
{
    [Fact]
    public void Take_Added_ReturnsItOnce()
    {
        var table = new DetailTable();
        var details = new NoDetails(new Activity("work"));
        Assert.True(table.TryAdd(details));

        Assert.Null(table.Take(new Activity("other")));
        Assert.Same(details, table.Take(details.Activity));
        Assert.Null(table.Take(details.Activity));
    }

    [Fact]
    public void TryAdd_NoPlaceLeft_ReturnsFalseAndKeepsTheOthers()
    {
        var table = new DetailTable();
        var kept = new List<NoDetails>();
        var next = new NoDetails(new Activity("work"));
        while (table.TryAdd(next))
        {
            kept.Add(next);
            next = new NoDetails(new Activity("work"));
        }

        Assert.Null(table.Take(next.Activity));
        Assert.All(kept, details => Assert.Same(details, table.Take(details.Activity)));
    }

    [Fact]
    public void Take_ManyThreads_EachFindsItsOwn()
    {
        var table = new DetailTable();
        Parallel.For(0, 10_000, _ =>
        {
            var details = new NoDetails(new Activity("work"));
            Assert.True(table.TryAdd(details));
            Assert.Same(details, table.Take(details.Activity));
        });
    }

    private sealed class NoDetails(Activity activity) : SpanDetails(activity)
    {
        public override string[] Keys => [];

        public override void OnStopped()
        {
        }

        public override void Release()
        {
        }

        protected override void Read(Span<object?> values)
        {
        }
    }
}
