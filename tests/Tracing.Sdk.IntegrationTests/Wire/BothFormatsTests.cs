namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>
/// W3C and B3 in one request: evidence and rules that no vector combines. The span ids say what they are: <c>a</c> was written by the
/// service before, <c>b</c> and <c>c</c> by proxies since.
/// </summary>
[Collection(WireSuite.Name)]
public sealed class BothFormatsTests(WireFixture wire)
{
    private const string T = "5759e988bd862e3fe1be46a994272793";
    private const string Other = "a3b2c1d0e5f60718293a4b5c6d7e8f90";
    private const string A = "aaaaaaaaaaaaaaaa";
    private const string B = "bbbbbbbbbbbbbbbb";
    private const string C = "cccccccccccccccc";

    [Fact]
    public Task Marker_BeatsParent_W3CIsFresher() => CheckAsync(
        // An old B3 with a parent went round a proxy that speaks W3C only.
        [W3C(T, B, "01"), new("tracestate", $"mesh=p:{A}"), .. B3(T, A, "1", parent: C)],
        new() { TraceId = T, ParentId = B });

    [Fact]
    public Task Marker_OfNeither_ParentDecides() => CheckAsync(
        [W3C(T, A, "01"), new("tracestate", $"mesh=p:{C}"), .. B3(T, B, "1", parent: A)],
        new() { TraceId = T, ParentId = B });

    [Fact]
    public Task Marker_AfterOtherMembers_IsFound() => CheckAsync(
        [W3C(T, A, "01"), new("tracestate", $"congo=1,mesh=p:{A}"), .. B3(T, B, "1")],
        new() { TraceId = T, ParentId = B, TraceState = "congo=1" });

    [Fact]
    public Task ParentPresent_TwoProxies_B3IsFresher() => CheckAsync(
        [W3C(T, A, "03"), .. B3(T, C, "1", parent: B)],
        new() { TraceId = T, ParentId = C, Random = true });

    [Fact]
    public Task FresherContextDefers_TheOthersDecisionHolds() => CheckAsync(
        [W3C(T, A, "00"), .. B3(T, B, null, parent: A)],
        new() { TraceId = T, ParentId = B, Sampled = false });

    [Fact]
    public Task FresherW3CDenies_IsUnsampled() => CheckAsync(
        [W3C(T, B, "00"), new("tracestate", $"mesh=p:{A}"), .. B3(T, A, "1")],
        new() { TraceId = T, ParentId = B, Sampled = false });

    [Fact]
    public Task StaleB3SaysDebug_DebugIsKept() => CheckAsync(
        [W3C(T, B, "01"), new("tracestate", $"mesh=p:{A}"), .. B3(T, A, "1"), new("X-B3-Flags", "1")],
        new() { TraceId = T, ParentId = B, Debug = true });

    [Fact]
    public Task StaleB3SaysDebugPastAProxyThatDidNotSample_ItsSpanIsTheParent() => CheckAsync(
        [W3C(T, B, "00"), new("tracestate", $"mesh=p:{A};s:d"), .. B3(T, A, "1"), new("X-B3-Flags", "1")],
        new() { TraceId = T, ParentId = A, Debug = true });

    [Fact]
    public Task MarkerSaysDebugPastAProxyThatDidNotSample_ItsSpanIsTheParent() => CheckAsync(
        [W3C(T, B, "00"), new("tracestate", $"mesh=p:{A};s:d")],
        new() { TraceId = T, ParentId = A, Debug = true });

    [Fact]
    public Task OtherTraceSaysDebug_ItIsNotOurs() => CheckAsync(
        [W3C(T, A, "00"), .. B3(Other, B, "1"), new("X-B3-Flags", "1")],
        new() { TraceId = T, ParentId = A, Sampled = false });

    [Fact]
    public Task OtherTrace_EmptyTraceState_B3IsTheCallers() => CheckAsync(
        [W3C(Other, B, "01"), new("tracestate", ""), .. B3(T, A, "1")],
        new() { TraceId = T, ParentId = A, Link = new(Other, B, "w3c") });

    [Fact]
    public Task OtherTrace_EmptyTraceStateAndB3Denies_IsUnsampled() => CheckAsync(
        [W3C(Other, B, "01"), new("tracestate", ""), .. B3(T, A, "0")],
        new() { TraceId = T, ParentId = A, Sampled = false });

    [Fact]
    public Task OtherTrace_W3CWinsAndTheParentIsNoEvidence() => CheckAsync(
        [W3C(T, A, "01"), new("tracestate", "congo=1"), .. B3(Other, B, "1", parent: A)],
        new() { TraceId = T, ParentId = A, TraceState = "congo=1", Link = new(Other, B, "b3") });

    [Fact]
    public Task SameIds_B3Of64Bits_TheLongTraceIdIsKept() => CheckAsync(
        [W3C(T, A, "03"), .. B3(T[16..], A, "1")],
        new() { TraceId = T, ParentId = A, Random = true });

    [Fact]
    public Task FresherB3Of64Bits_TheLongTraceIdIsKept() => CheckAsync(
        [W3C(T, A, "01"), .. B3(T[16..], B, "1", parent: A)],
        new() { TraceId = T, ParentId = B });

    [Fact]
    public Task B3StateAloneDenies_W3CDecides() => CheckAsync(
        [W3C(T, A, "01"), new("b3", "0")],
        new() { TraceId = T, ParentId = A });

    // A proxy that cannot read B3 signs the trace that it begins with an empty tracestate.
    [Theory]
    [InlineData("01", "0", false, false)]
    [InlineData("00", "1", true, false)]
    [InlineData("00", "d", true, true)]
    public Task B3StateAloneBesideAnEmptyTraceState_B3Decides(string flags, string state, bool sampled, bool debug) => CheckAsync(
        [W3C(T, A, flags), new("tracestate", ""), new("b3", state)],
        new() { TraceId = T, ParentId = A, Sampled = sampled, Debug = debug });

    [Fact]
    public Task SingleIsStaleBesideMulti_AndBothBesideW3C_MultiWins() => CheckAsync(
        [W3C(T, A, "01"), new("b3", $"{T}-{A}-1"), .. B3(T, B, "1", parent: A)],
        new() { TraceId = T, ParentId = B });

    [Fact]
    public Task MultiIsStaleBesideSingle_SingleWins() => CheckAsync(
        // Envoy from 1.40 on rewrites the single header and leaves the others as they came.
        [new("b3", $"{T}-{B}-1-{A}"), .. B3(T, A, "1")],
        new() { TraceId = T, ParentId = B });

    private static HeaderLine W3C(string traceId, string spanId, string flags) => new("traceparent", $"00-{traceId}-{spanId}-{flags}");

    private static HeaderLine[] B3(string traceId, string spanId, string? sampled, string? parent = null) =>
    [
        new("X-B3-TraceId", traceId),
        new("X-B3-SpanId", spanId),
        .. sampled is null ? (HeaderLine[])[] : [new("X-B3-Sampled", sampled)],
        .. parent is null ? (HeaderLine[])[] : [new("X-B3-ParentSpanId", parent)],
    ];

    private async Task CheckAsync(HeaderLine[] headers, Expectation expected)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);

        // The order of the fields must not matter.
        var forward = await wire.ExchangeAsync(connection, "echo-call", "both", headers);
        var backward = await wire.ExchangeAsync(connection, "raw-call", "both", headers.Reverse());
        await ExchangeAssert.MatchesAsync(wire, connection, forward, expected);
        await ExchangeAssert.MatchesAsync(wire, connection, backward, expected);
    }
}
