using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

public sealed class RecentRefusalsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Add_TwiceInASecondForOneReason_KeepsTheFirst()
    {
        var refusals = Create();
        refusals.Add(DecisionReason.CallerNo, "/one");
        _time.Advance(TimeSpan.FromMilliseconds(999));
        refusals.Add(DecisionReason.CallerNo, "/two");
        Assert.Equal("/one", Assert.Single(refusals.Read()).Name);
    }

    [Fact]
    public void Add_ForTwoReasons_KeepsBoth()
    {
        var refusals = Create();
        refusals.Add(DecisionReason.CallerNo, "/one");
        refusals.Add(DecisionReason.Rule, "/two");
        Assert.Equal(2, refusals.Read().Count);
    }

    [Fact]
    public void Read_Many_GivesTheLatestEightFirst()
    {
        var refusals = Create();
        for (var i = 0; i < 20; i++)
        {
            refusals.Add(DecisionReason.CallerNo, $"{i}");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(["19", "18", "17", "16", "15", "14", "13", "12"], refusals.Read().Select(r => r.Name));
    }

    [Fact]
    public void LastFormat_OtherReasonsFollow_IsThatOfTheLastCaller()
    {
        var refusals = Create();
        refusals.Add(DecisionReason.CallerNo, "/", "w3c");
        _time.Advance(TimeSpan.FromSeconds(1));
        refusals.Add(DecisionReason.CallerNo, "/", "b3");
        refusals.Add(DecisionReason.Rule, "/");
        Assert.Equal("b3", refusals.LastFormat);
    }

    private RecentRefusals Create()
    {
        // A timestamp of 0 means never.
        _time.Advance(TimeSpan.FromSeconds(1));
        return new RecentRefusals(_time);
    }
}
