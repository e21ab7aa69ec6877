namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>
/// B3 seen from outside: what the vectors leave out of https://github.com/openzipkin/b3-propagation, a line for each rule.
/// In the rows, T is a trace id of 128 bits, t its low half, S a span id and P its parent; the headers are b3 and X-B3-*.
/// </summary>
[Collection(WireSuite.Name)]
public sealed class B3Tests(WireFixture wire)
{
    private const string TraceId = "5759e988bd862e3fe1be46a994272793";
    private const string SpanId = "53995c3f42cd8ad8";
    private const string ParentId = "0020000000000001";

    [Theory]
    [InlineData("b3=T-S-1")]
    [InlineData("b3=T-S")]
    [InlineData("b3=T-S-P")]
    [InlineData("TraceId=T SpanId=S Sampled=1")]
    [InlineData("TraceId=T SpanId=S Sampled=true")]
    [InlineData("TraceId=T SpanId=S Sampled=True")]
    [InlineData("TraceId=T SpanId=S Sampled=1 Flags=0")]
    [InlineData("TraceId=T SpanId=S Flags=3")]
    [InlineData("TraceId=T SpanId=S ParentSpanId=0000000000000000 Sampled=1")]
    [InlineData("b3=T-S-1 TraceId=0000000000000009 SpanId=0000000000000009 Sampled=0")]
    public Task Context_Accepted_IsContinued(string headers) => CheckAsync(headers, Continued);

    [Theory]
    [InlineData("b3=T-S-0")]
    [InlineData("b3=T-S-0-P")]
    [InlineData("TraceId=T SpanId=S Sampled=0")]
    [InlineData("TraceId=T SpanId=S Sampled=false")]
    [InlineData("TraceId=T SpanId=S Sampled=FALSE Flags=0")]
    public Task Context_Denied_IsContinuedUnsampled(string headers) => CheckAsync(headers, Continued with { Sampled = false });

    [Theory]
    [InlineData("b3=T-S-d")]
    [InlineData("b3=T-S-d-P")]
    [InlineData("TraceId=T SpanId=S Sampled=1 Flags=1")]
    [InlineData("TraceId=T SpanId=S ParentSpanId=P Flags=1")]
    public Task Context_Debug_IsContinuedAsDebug(string headers) => CheckAsync(headers, Continued with { Debug = true });

    [Theory]
    [InlineData("b3=t-S", true)]
    [InlineData("b3=t-S-0", false)]
    [InlineData("TraceId=0000000000000000t SpanId=S Sampled=1", true)]
    [InlineData("TraceId=t SpanId=S Sampled=0", false)]
    public Task Context_Of64Bits_StaysOf64Bits(string headers, bool sampled) => CheckAsync(
        headers, Continued with { TraceId = TraceId[16..].PadLeft(32, '0'), Sampled = sampled });

    [Theory]
    [InlineData("Flags=1")]
    [InlineData("Flags=1 Sampled=0")]
    [InlineData("b3=d Sampled=0")]
    public Task StateAlone_Debug_StartsADebugTrace(string headers) => CheckAsync(headers, Expectation.NewTrace with { Debug = true });

    [Theory]
    [InlineData("Sampled=false")]
    [InlineData("Sampled=0 Flags=0")]
    [InlineData("b3=0 TraceId=T SpanId=S Sampled=1 Flags=1")]
    public Task StateAlone_Deny_IsHandedOnAsDeny(string headers) => CheckAsync(headers, Expectation.NewTrace with { Sampled = false });

    [Theory]
    [InlineData("b3=")]
    [InlineData("b3=D")]
    [InlineData("b3=true")]
    [InlineData("b3=T-S-")]
    [InlineData("b3=T-S-1-")]
    [InlineData("b3=T-S-f")]
    [InlineData("b3=T-S-1-P-0")]
    [InlineData("b3=T-S-1-P0")]
    [InlineData("b3=T-0000000000000000-1")]
    [InlineData("b3=00000000000000000000000000000000-S-1")]
    [InlineData("b3=0T-S-1")]
    [InlineData("b3=T-0S-1")]
    [InlineData("b3=T-53995C3F42CD8AD8-1")]
    [InlineData("b3=T-S-1-0020000000000G01")]
    [InlineData("b3=b970dafd-0d95-40aa-95d8-1d8725aebe40")]
    [InlineData("TraceId= SpanId=S Sampled=1")]
    [InlineData("TraceId=T SpanId= Sampled=1")]
    [InlineData("TraceId=T SpanId=S Sampled=")]
    [InlineData("TraceId=T SpanId=S Sampled=x Flags=1")]
    [InlineData("TraceId=aT SpanId=S Sampled=1")]
    [InlineData("TraceId=at SpanId=S Sampled=1")]
    [InlineData("TraceId=T SpanId=aS Sampled=1")]
    [InlineData("TraceId=T SpanId=S ParentSpanId=aP Sampled=1")]
    [InlineData("Flags=0")]
    [InlineData("Flags=true")]
    public Task Context_OutsideTheGrammar_StartsANewTrace(string headers) => CheckAsync(headers, Expectation.NewTrace);

    [Fact]
    public Task SingleHeader_Of4000Characters_StartsANewTrace() => CheckAsync("b3=" + new string('a', 4000), Expectation.NewTrace);

    [Theory]
    [InlineData("\u00e9")]
    [InlineData("\uff11")]
    public Task SingleHeader_ThatIsNotAscii_StartsANewTrace(string character) => CheckAsync($"b3=T-S-{character}", Expectation.NewTrace);

    private static Expectation Continued => new() { TraceId = TraceId, ParentId = SpanId };

    private async Task CheckAsync(string headers, Expectation expected)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, "raw-call", "b3", headers.Split(' ').Select(Header), calls: 2);
        Assert.Equal(2, exchange.Calls.Count);
        await ExchangeAssert.MatchesAsync(wire, connection, exchange, expected);
    }

    private static HeaderLine Header(string row)
    {
        var (name, value) = (row[..row.IndexOf('=', StringComparison.Ordinal)], row[(row.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        if (name is "b3" or "TraceId" or "SpanId" or "ParentSpanId")
            value = value.Replace("T", TraceId, StringComparison.Ordinal).Replace("S", SpanId, StringComparison.Ordinal)
                .Replace("P", ParentId, StringComparison.Ordinal);
        if (name is "b3" or "TraceId")
            value = value.Replace("t-", TraceId[16..] + "-", StringComparison.Ordinal);
        if (name is "TraceId" && value.EndsWith('t'))
            value = value[..^1] + TraceId[16..];
        return new(name == "b3" ? name : "X-B3-" + name, RawConnection.Encode(value));
    }
}
