using OpenTelemetry.Context.Propagation;
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
        Assert.Equal(SamplingState.Debug, remote.Link?.Ids.State);
    }

    [Fact]
    public void ToLink_Linked_SaysWhyAndInWhichFormatItCame()
    {
        var link = new LinkedContext(new TraceIds(1, 2, 3, 0, SamplingState.Accept, false), "b3", "conflicting_context").ToLink();

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

    // A caller that writes both forms, through an Envoy from 1.40 on: that refreshes "b3", where debug becomes "sampled", and passes the old X-B3-* on.
    [Theory]
    [InlineData("-1", "X-B3-Flags", "1", nameof(SamplingState.Debug))]
    [InlineData("-1", "X-B3-Sampled", "0", nameof(SamplingState.Accept))]
    [InlineData("", "X-B3-Sampled", "0", nameof(SamplingState.Deny))]
    public void Extract_StaleMultiBesideFreshSingle_KeepsDebugAndTheDecision(string fresh, string name, string value, string expected)
    {
        var remote = Some.Extract(new Carrier
        {
            { "b3", $"{Some.TraceId}-{Some.OtherSpanId}{fresh}-{Some.SpanId}" },
            { "X-B3-TraceId", Some.TraceId },
            { "X-B3-SpanId", Some.SpanId },
            { name, value },
        });

        Assert.Equal(Some.OtherSpanId, Some.SpanIdOf(remote.Ids));
        Assert.Equal(expected, remote.Ids.State.ToString());
    }

    // Either form may have been cut to 64 bits, also the one that is continued.
    [Fact]
    public void Extract_ShortSingleBesideWholeMulti_KeepsTheWholeId()
    {
        var remote = Some.Extract(new Carrier
        {
            { "b3", $"{Some.TraceId[16..]}-{Some.SpanId}-1" }, { "X-B3-TraceId", Some.TraceId }, { "X-B3-SpanId", Some.SpanId }, { "X-B3-Sampled", "1" },
        });

        Assert.Equal($"00-{Some.TraceId}-{Some.SpanId}-01", remote.TraceParent);
    }

    [Fact]
    public void Extract_DeniedDebugWhoseSpanIsItsOwnParent_IsNotStale()
    {
        var remote = Some.Extract(new Carrier
        {
            { "X-B3-TraceId", Some.TraceId }, { "X-B3-SpanId", Some.SpanId }, { "X-B3-ParentSpanId", Some.SpanId }, { "X-B3-Sampled", "0" }, { "X-B3-Flags", "1" },
        });

        Assert.Equal((Some.SpanId, 0ul), (Some.SpanIdOf(remote.Ids), remote.StaleSpanId));
    }

    [Fact]
    public void Extract_SingleBesideDebugMultiOfAnotherTrace_IgnoresThat()
    {
        var remote = Some.Extract(new Carrier
        {
            { "b3", $"{Some.TraceId}-{Some.SpanId}-1" },
            { "X-B3-TraceId", Some.OtherTraceId },
            { "X-B3-SpanId", Some.OtherSpanId },
            { "X-B3-Flags", "1" },
        });

        Assert.Equal(SamplingState.Accept, remote.Ids.State);
    }

    // Envoy's OpenTelemetry tracer cannot read B3, and signs what it writes with an empty tracestate.
    [Theory]
    [InlineData("01", "b3: 0", nameof(SamplingState.Deny))]
    [InlineData("01", "X-B3-Sampled: 0", nameof(SamplingState.Deny))]
    [InlineData("00", "b3: 1", nameof(SamplingState.Accept))]
    [InlineData("00", "X-B3-Sampled: 1", nameof(SamplingState.Accept))]
    [InlineData("00", "b3: d", nameof(SamplingState.Debug))]
    [InlineData("01", "b3: d", nameof(SamplingState.Debug))]
    [InlineData("00", "X-B3-Flags: 1", nameof(SamplingState.Debug))]
    [InlineData("01", "X-B3-Flags: 0", nameof(SamplingState.Accept))]
    [InlineData("00", "X-B3-Flags: 0", nameof(SamplingState.Deny))]
    [InlineData("01", "b3: nonsense", nameof(SamplingState.Accept))]
    public void Extract_DecisionAloneBesideAnEmptyTraceState_Survives(string flags, string b3, string expected)
    {
        var remote = Some.Extract(Headers($"traceparent: 00-{Some.TraceId}-{Some.SpanId}-{flags}", "tracestate: ", b3));

        Assert.Equal((Some.TraceId, Some.SpanId), (Some.TraceIdOf(remote.Ids), Some.SpanIdOf(remote.Ids)));
        Assert.Equal(expected, remote.Ids.State.ToString());
        Assert.Equal($"00-{Some.TraceId}-{Some.SpanId}-{(remote.Ids.IsSampled ? "01" : "00")}", remote.TraceParent);
    }

    [Theory]
    [InlineData("01", "b3: 0", nameof(SamplingState.Accept))]
    [InlineData("01", "X-B3-Sampled: 0", nameof(SamplingState.Accept))]
    [InlineData("00", "b3: 1", nameof(SamplingState.Deny))]
    [InlineData("00", "b3: d", nameof(SamplingState.Debug))]
    [InlineData("00", "X-B3-Flags: 1", nameof(SamplingState.Debug))]
    public void Extract_DecisionAloneBesideAnyOtherContext_CountsOnlyIfItSaysDebug(string flags, string b3, string expected)
    {
        foreach (var traceState in new string[][] { [], ["tracestate: foo=1"], ["tracestate: ", "tracestate: foo=1"] })
        {
            Assert.Equal(expected, Some.Extract(Headers([$"traceparent: 00-{Some.TraceId}-{Some.SpanId}-{flags}", b3, .. traceState])).Ids.State.ToString());
        }
    }

    // A proxy that did not sample wrote OtherSpanId and exported no span of that id; the service before wrote SpanId.
    [Theory]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=p:{Some.SpanId};s:d")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: foo=1,mesh=p:{Some.SpanId};s:d")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=p:{Some.SpanId};s:d|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.SpanId}|X-B3-Sampled: 1|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=p:{Some.SpanId};s:d|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.SpanId}|X-B3-Sampled: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=p:{Some.SpanId}|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.SpanId}|X-B3-Sampled: 1|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.SpanId}|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: |X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.SpanId}|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|b3: {Some.TraceId}-{Some.SpanId}-d")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=p:{Some.SpanId};s:d|b3: {Some.TraceId}-{Some.SpanId}-d")]
    // A proxy that speaks B3 did not sample.
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.SpanId}-01|tracestate: mesh=p:{Some.SpanId};s:d|b3: {Some.TraceId}-{Some.OtherSpanId}-0-{Some.SpanId}")]
    [InlineData($"b3: {Some.TraceId}-{Some.SpanId}-d|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.OtherSpanId}|X-B3-ParentSpanId: {Some.SpanId}|X-B3-Sampled: 0")]
    // Envoy's Zipkin tracer knows no X-B3-Flags: where a caller writes the flag alone, as most libraries do, it adds its own "not sampled".
    [InlineData($"X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.OtherSpanId}|X-B3-ParentSpanId: {Some.SpanId}|X-B3-Sampled: 0|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.OtherSpanId}|X-B3-ParentSpanId: {Some.SpanId}|X-B3-Sampled: 0|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.SpanId}-01|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.OtherSpanId}|X-B3-ParentSpanId: {Some.SpanId}|X-B3-Sampled: 0|X-B3-Flags: 1")]
    [InlineData($"b3: {Some.TraceId}-{Some.SpanId}-d|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.OtherSpanId}|X-B3-ParentSpanId: {Some.SpanId}|X-B3-Sampled: 0|X-B3-Flags: 1")]
    public void Extract_DebugOverrulesNotSampled_TheParentIsTheSpanThatDebugCameWith(string headers)
    {
        var remote = Some.Extract(Headers(headers.Split('|')));

        Assert.Equal(Some.SpanId, Some.SpanIdOf(remote.Ids));
        Assert.Equal(SamplingState.Debug, remote.Ids.State);
        Assert.Equal($"00-{Some.TraceId}-{Some.SpanId}-01", remote.TraceParent);
        Assert.Equal(Some.OtherSpanId, remote.StaleSpanId.ToString("x16"));
        Assert.Null(remote.Link);
    }

    [Theory]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-01|tracestate: mesh=p:{Some.SpanId};s:d")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-01|tracestate: mesh=p:{Some.SpanId};s:d|X-B3-TraceId: {Some.TraceId}|X-B3-SpanId: {Some.SpanId}|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=s:d")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00|tracestate: mesh=p:nonsense;s:d")]
    [InlineData($"traceparent: 00-{Some.TraceId}-{Some.SpanId}-01|tracestate: mesh=p:{Some.SpanId};s:d|b3: {Some.TraceId}-{Some.OtherSpanId}-1-{Some.SpanId}")]
    public void Extract_DebugOverASampledHopOrWithoutASpan_KeepsTheFresherParent(string headers)
    {
        var remote = Some.Extract(Headers(headers.Split('|')));

        Assert.Equal(Some.OtherSpanId, Some.SpanIdOf(remote.Ids));
        Assert.Equal(SamplingState.Debug, remote.Ids.State);
    }

    [Fact]
    public void TextMapExtract_DebugOverrulesNotSampled_TheParentIsTheSpanThatDebugCameWith()
    {
        var headers = Headers($"traceparent: 00-{Some.TraceId}-{Some.OtherSpanId}-00", $"tracestate: mesh=p:{Some.SpanId};s:d");
        foreach (var propagator in new TextMapPropagator[] { new W3CTraceContextPropagator(), new FreshestContextPropagator(PropagationSettings.Default) })
        {
            var context = propagator.Extract(default, headers, Carrier.Getter).ActivityContext;

            Assert.Equal(Some.SpanId, context.SpanId.ToHexString());
            Assert.Equal(SamplingState.Debug, context.StateOf());
        }
    }

    private static Carrier Headers(params string[] lines)
    {
        var carrier = new Carrier();
        foreach (var line in lines) carrier.Add(line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Trim());
        return carrier;
    }
}
