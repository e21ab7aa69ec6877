using System.Text;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>Calls other than one call after the other to a host of the mesh.</summary>
[Collection(WireSuite.Name)]
public sealed class CallTests(WireFixture wire)
{
    private static readonly string[] ContextHeaders =
        ["traceparent", "tracestate", "X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled", "X-B3-Flags", "b3", "baggage", "x-request-id"];

    private static readonly HeaderLine[] Sampled =
        [new("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"), new("baggage", "tenant=blue")];

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task ParallelCalls_EachHasASpanOfItsOwn(string verb)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, "parallel", [], calls: 5);
        Assert.Equal(5, exchange.Calls.Count);
        await ExchangeAssert.MatchesAsync(wire, connection, exchange, Expectation.NewTrace);
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task ParallelRequests_KeepTheirTracesApart(string verb)
    {
        await Task.WhenAll(Enumerable.Range(1, 20).Select(async number =>
        {
            var traceId = number.ToString("x32", null);
            using var connection = await RawConnection.OpenAsync(wire.Address);
            var exchange = await wire.ExchangeAsync(
                connection, verb, "parallel-requests", [new("traceparent", $"00-{traceId}-b7ad6b7169203331-01")], calls: 2);
            await ExchangeAssert.MatchesAsync(
                wire, connection, exchange, new Expectation { TraceId = traceId, ParentId = "b7ad6b7169203331" });
        }));
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task Redirect_BothRequests_CarryIdsOfExportedSpans(string verb)
    {
        var tag = wire.NewTag("redirect");
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, tag, Sampled, [$"{wire.Sink.Address}/redirect/{tag}"]);
        Assert.Equal([$"/redirect/{tag}", $"/to/redirect/{tag}"], exchange.Calls.Select(call => call.Target));
        Assert.Single(exchange.Calls.Select(call => call.One("x-request-id")).Distinct());

        await wire.FlushAsync(connection);
        var exported = wire.Collector.Spans.Where(span => span.Kind == "CLIENT").Select(span => span.Id).ToHashSet();
        Assert.All(exchange.Calls, call =>
        {
            var spanId = call.One("traceparent")![36..52];
            Assert.Contains(spanId, exported);
            Assert.Equal(spanId, call.One("X-B3-SpanId"));
            Assert.Equal($"mesh=p:{spanId}", call.One("tracestate"));
            Assert.Equal("1", call.One("X-B3-Sampled"));
            Assert.Equal("tenant=blue", call.One("baggage"));
        });
    }

    [Theory]
    [InlineData("echo-call", "shop.example.com")]
    [InlineData("raw-call", "shop.example.com")]
    [InlineData("echo-call", "203.0.113.7")]
    [InlineData("raw-call", "203.0.113.7")]
    public async Task HostOutsideTheMesh_GetsNoHeadersButASpan(string verb, string host)
    {
        var tag = wire.NewTag("outside");
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, tag, Sampled, [$"http://{host}/{tag}/0"]);
        var call = Assert.Single(exchange.Calls);
        Assert.DoesNotContain(call.Headers, header => ContextHeaders.Contains(header.Name, StringComparer.OrdinalIgnoreCase));

        await wire.FlushAsync(connection);
        Assert.Single(wire.Collector.Spans, span =>
            span is { Format: SpanFormat.Zipkin, Kind: "CLIENT" } && span.Tag("url.full") == $"http://{host}/{tag}/0");
    }

    [Theory]
    [InlineData("data")]
    [InlineData("data.shop.svc")]
    [InlineData("data.shop.svc.cluster.local")]
    [InlineData("printer.local")]
    [InlineData("data.corp.internal")]
    [InlineData("10.1.2.3")]
    public async Task HostOfTheMesh_GetsTheHeaders(string host)
    {
        var tag = wire.NewTag("inside");
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, "echo-call", tag, [], [$"http://{host}/{tag}/0"]);
        await ExchangeAssert.MatchesAsync(wire, connection, exchange, Expectation.NewTrace);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ContextSetByHand_LeavesAsItIsAndNothingOfOursBesideIt(bool raw)
    {
        var call = await SendAsync("own-headers", raw, Sampled);
        Assert.Equal("00-11111111111111111111111111111111-2222222222222222-01", call.One("traceparent"));
        Assert.Equal("congo=t61rcWkgMzE", call.One("tracestate"));
        Assert.Equal("by-hand", call.One("x-request-id"));
        Assert.DoesNotContain(call.Headers, header => header.Name.StartsWith("X-B3-", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ContextCopiedByHand_IsReplacedByOurs(bool raw)
    {
        var call = await SendAsync(
            "copied-headers", raw,
            [
                Sampled[0], new("tracestate", "congo=t61rcWkgMzE"),
                new("X-B3-TraceId", "0af7651916cd43dd8448eb211c80319c"), new("X-B3-SpanId", "b7ad6b7169203331"), new("X-B3-Sampled", "1"),
                new("x-request-id", "ad7b509a-89b4-980e-8f0f-2c1d3e4f5a6b"),
            ]);
        var spanId = call.One("X-B3-SpanId");
        Assert.NotEqual("b7ad6b7169203331", spanId);
        Assert.Equal($"00-0af7651916cd43dd8448eb211c80319c-{spanId}-03", call.One("traceparent"));
        Assert.Equal($"mesh=p:{spanId},congo=t61rcWkgMzE", call.One("tracestate"));
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", call.One("X-B3-TraceId"));
        Assert.Equal("1", call.One("X-B3-Sampled"));
        Assert.Equal("ad7b509a-89b4-980e-8f0f-2c1d3e4f5a6b", call.One("x-request-id"));
        await wire.Collector.WaitForAsync("The span on the wire", spans => spans.FirstOrDefault(span => span.Kind == "CLIENT" && span.Id == spanId));
    }

    /// <summary>The service side of the W3C trace-context test harness.</summary>
    [Fact]
    public async Task PostsOneAfterTheOther_EachHasASpanOfItsOwnInTheCallersTrace()
    {
        var tag = wire.NewTag("harness");
        var body = $$"""[{"url":"{{wire.Sink.Address}}/{{tag}}/0","arguments":[]},{"url":"{{wire.Sink.Address}}/{{tag}}/1","arguments":[{"a":1}]}]""";
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var response = await connection.SendAsync("POST", $"/test/{tag}", [Sampled[0]], Encoding.UTF8.GetBytes(body));
        var exchange = new Exchange(tag, $"/test/{tag}", response, wire.Sink.Requests(tag));
        Assert.Equal(["[]", """[{"a":1}]"""], exchange.Calls.Select(call => Encoding.UTF8.GetString(call.Body)));
        await ExchangeAssert.MatchesAsync(wire, connection, exchange, new Expectation
        {
            TraceId = "0af7651916cd43dd8448eb211c80319c",
            ParentId = "b7ad6b7169203331",
            Random = true,
        });
    }

    private async Task<RawMessage> SendAsync(string verb, bool raw, IEnumerable<HeaderLine> headers)
    {
        var tag = wire.NewTag(verb);
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var response = await connection.SendAsync("GET", $"/{verb}/{tag}?raw={raw}&url={Uri.EscapeDataString($"{wire.Sink.Address}/{tag}/0")}", headers);
        Assert.Equal(200, response.Status);
        return Assert.Single(wire.Sink.Requests(tag));
    }
}
