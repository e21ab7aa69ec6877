using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>What the vectors cannot say: what is counted, the other order, and the two forms of B3 against each other.</summary>
public sealed class ContextConflictTests
{
    private static readonly PropagationSettings B3First = new() { B3First = true };

    [Theory]
    [InlineData($"{Some.TraceId}-{Some.SpanId}-1", nameof(ContextConflict.None))]
    [InlineData($"{Some.TraceId}-{Some.SpanId}", nameof(ContextConflict.None))]
    [InlineData($"{Some.TraceId}-{Some.SpanId}-0", nameof(ContextConflict.Sampled))]
    [InlineData($"{Some.TraceId}-{Some.OtherSpanId}-1", nameof(ContextConflict.SpanId))]
    [InlineData($"{Some.TraceId}-{Some.OtherSpanId}-0", "SpanId, Sampled")]
    [InlineData($"{Some.OtherTraceId}-{Some.OtherSpanId}-0", nameof(ContextConflict.TraceId))]
    [InlineData("0", nameof(ContextConflict.None))]
    [InlineData("nonsense", nameof(ContextConflict.None))]
    public void Extract_B3BesideW3C_CountsHowTheyDisagree(string b3, string expected) =>
        Assert.Equal(expected, Some.Extract(new Carrier { { "traceparent", Some.TraceParent }, { "b3", b3 } }).Conflict.ToString());

    [Fact]
    public void Extract_NoEvidenceAndB3First_B3Wins()
    {
        var remote = Some.Extract(new Carrier { { "traceparent", Some.TraceParent }, { "b3", $"{Some.TraceId}-{Some.OtherSpanId}-0" } }, B3First);

        Assert.Equal(Some.OtherSpanId, Some.SpanIdOf(remote.Ids));
        Assert.Equal(SamplingState.Deny, remote.Ids.State);
    }

    [Fact]
    public void Extract_B3HoldsTheMarkerAndB3First_W3CWinsAllTheSame()
    {
        var headers = new Carrier
        {
            { "traceparent", Some.TraceParent }, { "tracestate", $"mesh=p:{Some.OtherSpanId}" }, { "b3", $"{Some.TraceId}-{Some.OtherSpanId}-0" },
        };

        Assert.Equal(Some.SpanId, Some.SpanIdOf(Some.Extract(headers, B3First).Ids));
    }

    [Fact]
    public void Extract_SameSpanAndB3First_B3Decides()
    {
        var headers = new Carrier { { "traceparent", Some.TraceParent }, { "b3", $"{Some.TraceId}-{Some.SpanId}-0" } };

        Assert.Equal(SamplingState.Deny, Some.Extract(headers, B3First).Ids.State);
        Assert.Equal(SamplingState.Accept, Some.Extract(headers).Ids.State);
    }

    [Fact]
    public void Extract_FresherB3Defers_W3CDecides()
    {
        var remote = Some.Extract(new Carrier { { "traceparent", Some.TraceParent }, { "b3", $"{Some.TraceId}-{Some.OtherSpanId}-{Some.SpanId}" } });

        Assert.Equal(Some.OtherSpanId, Some.SpanIdOf(remote.Ids));
        Assert.Equal(SamplingState.Accept, remote.Ids.State);
    }

    [Fact]
    public void Extract_FresherB3OfARandomTrace_KeepsTheFlagTheListAndTheWholeId()
    {
        var remote = Some.Extract(new Carrier
        {
            { "traceparent", $"00-{Some.TraceId}-{Some.SpanId}-03" }, { "tracestate", "foo=1" }, { "b3", $"{Some.TraceId[16..]}-{Some.OtherSpanId}-1-{Some.SpanId}" },
        });

        Assert.Equal($"00-{Some.TraceId}-{Some.OtherSpanId}-03", remote.TraceParent);
        Assert.Equal("foo=1", remote.TraceState);
    }

    [Fact]
    public void Extract_DebugOfAnotherTrace_IsIgnored()
    {
        var remote = Some.Extract(new Carrier { { "traceparent", Some.TraceParent }, { "b3", $"{Some.OtherTraceId}-{Some.OtherSpanId}-d" } });

        Assert.Equal(SamplingState.Accept, remote.Ids.State);
        Assert.Equal(SamplingState.Debug, remote.Loser?.Ids.State);
    }

    [Fact]
    public void ToLink_Loser_SaysWhyAndInWhichFormatItCame()
    {
        var link = new LosingContext(new TraceIds(1, 2, 3, 0, SamplingState.Accept, false), "b3", "conflicting_context").ToLink();

        Assert.Equal("00000000000000010000000000000002", link.Context.TraceId.ToHexString());
        Assert.Equal("0000000000000003", link.Context.SpanId.ToHexString());
        Assert.Equal([new("reason", "conflicting_context"), new("format", "b3")], link.Tags!);
    }

    // Envoy up to 1.39 reads "b3", writes X-B3-* and passes the old "b3" on.
    [Theory]
    [InlineData("-d", "1", nameof(SamplingState.Debug))]
    [InlineData("-0", "1", nameof(SamplingState.Accept))]
    [InlineData("-1", null, nameof(SamplingState.Accept))]
    public void Extract_StaleSingleBesideFreshMulti_KeepsDebugAndTheDecision(string stale, string? sampled, string expected)
    {
        var headers = new Carrier
        {
            { "b3", $"{Some.TraceId}-{Some.SpanId}{stale}" },
            { "X-B3-TraceId", Some.TraceId[16..] },
            { "X-B3-SpanId", Some.OtherSpanId },
            { "X-B3-ParentSpanId", Some.SpanId },
        };
        if (sampled is not null) headers.Add("X-B3-Sampled", sampled);
        var remote = Some.Extract(headers);

        Assert.Equal($"00-{Some.TraceId}-{Some.OtherSpanId}-01", remote.TraceParent);
        Assert.Equal(expected, remote.Ids.State.ToString());
    }

    [Fact]
    public void Extract_StaleMultiBesideFreshSingle_SingleWins()
    {
        var remote = Some.Extract(new Carrier
        {
            { "b3", $"{Some.TraceId}-{Some.OtherSpanId}-1-{Some.SpanId}" },
            { "X-B3-TraceId", Some.TraceId },
            { "X-B3-SpanId", Some.SpanId },
            { "X-B3-ParentSpanId", "00f067aa0ba902b7" },
        });

        Assert.Equal(Some.OtherSpanId, Some.SpanIdOf(remote.Ids));
    }
}
