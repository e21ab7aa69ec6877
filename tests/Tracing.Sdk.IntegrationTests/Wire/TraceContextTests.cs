namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>
/// W3C Trace Context level 2, seen from outside: what the vectors leave out of https://www.w3.org/TR/trace-context-2/, a line for each rule.
/// </summary>
[Collection(WireSuite.Name)]
public sealed class TraceContextTests(WireFixture wire)
{
    private const string TraceId = "5759e988bd862e3fe1be46a994272793";
    private const string ParentId = "53995c3f42cd8ad8";

    [Theory]
    [InlineData("00", "01")]
    [InlineData("01", "01")]
    [InlineData("0f", "01-x")]
    [InlineData("10", "01--")]
    [InlineData("fe", "01-00")]
    [InlineData("cc", "01-\t")]
    public Task TraceParent_OfThisVersion_IsContinued(string version, string flagsAndTail) => CheckAsync(
        [new("traceparent", $"{version}-{TraceId}-{ParentId}-{flagsAndTail}")],
        new Expectation { TraceId = TraceId, ParentId = ParentId });

    [Theory]
    [InlineData("00-{0}-{1}-01.")]
    [InlineData("00-{0}-{1}-01-tail")]
    [InlineData("00-{0}-{1}-01,")]
    [InlineData("00-{0}-{1}-1")]
    [InlineData("00-{0}-{1}-")]
    [InlineData("00-{0}-{1}-.1")]
    [InlineData("00-{0}-{1}-0.")]
    [InlineData("00-{0}-{1}-0A")]
    [InlineData("000-{0}-{1}-01")]
    [InlineData(".0-{0}-{1}-01")]
    [InlineData("0.-{0}-{1}-01")]
    [InlineData("FE-{0}-{1}-01")]
    [InlineData("ff-{0}-{1}-01")]
    [InlineData("01-{0}-{1}-01.tail")]
    [InlineData("01-{0}-{1}-01 tail")]
    [InlineData("00-{0}0-{1}-01")]
    [InlineData("00-{0}-{1}0-01")]
    [InlineData("00--{1}-01")]
    [InlineData("00-{0}--01")]
    [InlineData("{0}-{1}-01")]
    [InlineData("\"00-{0}-{1}-01\"")]
    [InlineData("")]
    [InlineData("-")]
    public Task TraceParent_OutsideTheGrammar_StartsANewTrace(string format) => CheckAsync(
        [new("traceparent", string.Format(null, format, TraceId, ParentId)), new("tracestate", "lost=1")],
        Expectation.NewTrace);

    [Theory]
    [InlineData("trace-parent")]
    [InlineData("trace.parent")]
    [InlineData("x-traceparent")]
    public Task TraceParent_UnderAnotherName_IsNotSeen(string name) => CheckAsync(
        [new(name, $"00-{TraceId}-{ParentId}-01")], Expectation.NewTrace);

    [Theory]
    [InlineData("traceParent")]
    [InlineData("TrAcEpArEnT")]
    public Task TraceParent_InAnyLetterCase_IsSeen(string name) => CheckAsync(
        [new(name, $"00-{TraceId}-{ParentId}-01")], new Expectation { TraceId = TraceId, ParentId = ParentId });

    [Theory]
    [InlineData("00", false, false)]
    [InlineData("01", true, false)]
    [InlineData("02", false, true)]
    [InlineData("03", true, true)]
    [InlineData("04", false, false)]
    [InlineData("fd", true, false)]
    [InlineData("fe", false, true)]
    public Task TraceParent_Flags_OnlySampledAndRandomAreReadAndKept(string flags, bool sampled, bool random) => CheckAsync(
        [new("traceparent", $"00-{TraceId}-{ParentId}-{flags}")],
        new Expectation { TraceId = TraceId, ParentId = ParentId, Sampled = sampled, Random = random });

    [Theory]
    [InlineData("congo=1,rojo=2", "congo=1,rojo=2")]
    [InlineData("congo=1 , rojo=2\t", "congo=1,rojo=2")]
    [InlineData("0congo@rojo-_*/=1", "0congo@rojo-_*/=1")]
    [InlineData("congo= a;b:c", "congo= a;b:c")]
    [InlineData("congo=!\"#$%&'()*+-./0:;<>?@[\\]^_`{|}~", "congo=!\"#$%&'()*+-./0:;<>?@[\\]^_`{|}~")]
    [InlineData("congo=1,rojo=2,congo=3", "congo=1,rojo=2")]
    [InlineData("congo=1,MESH=2", null)]
    [InlineData("congo", null)]
    [InlineData("=1", null)]
    [InlineData("congo=1;rojo=2=3", null)]
    [InlineData("congo=1,rojo:2", null)]
    [InlineData("congo=1,ro jo=2", null)]
    public Task TraceState_List_IsNormalisedOrDroppedAsAWhole(string received, string? kept) => CheckAsync(
        [new("traceparent", $"00-{TraceId}-{ParentId}-01"), new("tracestate", received)],
        new Expectation { TraceId = TraceId, ParentId = ParentId, TraceState = kept });

    [Fact]
    public Task TraceState_InSeveralFields_IsOneListInOrder() => CheckAsync(
        [
            new("tracestate", "congo=1,rojo=2"),
            new("traceparent", $"00-{TraceId}-{ParentId}-00"),
            new("Tracestate", "azul=3"),
            new("TRACESTATE", ""),
            new("tracestate", "verde=4"),
        ],
        new Expectation { TraceId = TraceId, ParentId = ParentId, Sampled = false, TraceState = "congo=1,rojo=2,azul=3,verde=4" });

    [Fact]
    public Task TraceState_OwnMemberInTheMiddle_MovesToTheLeft() => CheckAsync(
        [new("traceparent", $"00-{TraceId}-{ParentId}-01"), new("tracestate", $"congo=1,mesh=p:{ParentId},rojo=2")],
        new Expectation { TraceId = TraceId, ParentId = ParentId, TraceState = "congo=1,rojo=2" });

    /// <summary>Debug travels through a hop that speaks W3C alone.</summary>
    [Fact]
    public Task TraceState_OwnMemberSaysDebug_IsDebugAgain() => CheckAsync(
        [new("traceparent", $"00-{TraceId}-{ParentId}-01"), new("tracestate", $"mesh=p:{ParentId};s:d")],
        new Expectation { TraceId = TraceId, ParentId = ParentId, Debug = true });

    private async Task CheckAsync(HeaderLine[] headers, Expectation expected)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, "echo-call", "trace-context", headers, calls: 3);
        Assert.Equal(3, exchange.Calls.Count);
        await ExchangeAssert.MatchesAsync(wire, connection, exchange, expected);
    }
}
