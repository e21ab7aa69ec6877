using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>Names and attributes of the exported spans: the stable HTTP conventions, as a backend sees them.</summary>
[Collection(WireSuite.Name)]
public sealed class SpanTests(WireFixture wire)
{
    [Fact]
    public async Task ServerSpan_Request_BearsTheConventionsNames()
    {
        var (server, _) = await CallAsync("echo-call", []);
        Assert.Equal("GET /echo-call/{**tag}", server.Name);
        Assert.Equal("GET", server.Tag("http.request.method"));
        Assert.Equal("/echo-call/{**tag}", server.Tag("http.route"));
        Assert.Equal("200", server.Tag("http.response.status_code"));
        Assert.Equal("http", server.Tag("url.scheme"));
        Assert.Equal("wire-service", server.Tag("server.address"));
        Assert.Equal("1.1", server.Tag("network.protocol.version"));
        Assert.Equal(0, server.Status);
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task ClientSpan_Call_BearsTheConventionsNames(string verb)
    {
        var (_, client) = await CallAsync(verb, []);
        var sink = new Uri(wire.Sink.Address);
        Assert.Equal("GET", client.Name);
        Assert.Equal("GET", client.Tag("http.request.method"));
        Assert.Equal("200", client.Tag("http.response.status_code"));
        Assert.Equal("127.0.0.1", client.Tag("server.address"));
        Assert.Equal(sink.Port.ToString(null as IFormatProvider), client.Tag("server.port"));
        Assert.Equal(0, client.Status);
    }

    [Fact]
    public async Task ServerSpan_AttemptCountFromEnvoy_IsKept()
    {
        var (server, _) = await CallAsync("echo-call", [new("x-envoy-attempt-count", "3")]);
        Assert.Equal("3", server.Tag("envoy.attempt_count"));
    }

    [Fact]
    public async Task ServerSpan_UnhandledException_IsAnError()
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, "fail", "exception", [], calls: 0);
        Assert.Equal(500, exchange.Response.Status);
        var server = await wire.ServerSpanAsync(exchange.Path, SpanFormat.Otlp);
        Assert.Equal(2, server.Status);
        Assert.Equal("500", server.Tag("http.response.status_code"));
        Assert.Equal("System.InvalidOperationException", server.Tag("error.type"));
    }

    [Fact]
    public async Task ServerSpan_NoRoute_IsNamedByItsMethodAndNoError()
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, "nowhere", "no-route", [], calls: 0);
        Assert.Equal(404, exchange.Response.Status);
        var server = await wire.ServerSpanAsync(exchange.Path, SpanFormat.Otlp);
        Assert.Equal("GET", server.Name);
        Assert.Null(server.Tag("http.route"));
        Assert.Equal(0, server.Status);
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task ClientSpan_SecretInTheQuery_IsRedacted(string verb)
    {
        var tag = wire.NewTag("secret");
        using var connection = await RawConnection.OpenAsync(wire.Address);
        await wire.ExchangeAsync(connection, verb, tag, [], [$"{wire.Sink.Address}/{tag}/0?sig=hunter2"]);
        await wire.FlushAsync(connection);
        var spans = wire.Collector.Spans.Where(span => span.Tags.Values.Any(value => value.Contains(tag, StringComparison.Ordinal))).ToList();
        Assert.Contains(spans, span => span.Kind == "CLIENT");
        Assert.DoesNotContain(spans, span => span.Kind == "CLIENT" && span.Tags.Values.Any(value => value.Contains("hunter2", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ExportRequests_CarryNoTraceOfTheirOwn()
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        await wire.FlushAsync(connection);
        Assert.All(wire.Collector.RequestHeaders, headers =>
        {
            Assert.Equal("0", headers["b3"]);
            // Not sampled in either format, and of no trace that is exported.
            Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", headers["traceparent"]);
            var traceId = headers["traceparent"].ToString().Substring(3, 32);
            Assert.DoesNotContain(wire.Collector.Spans, span => span.TraceId == traceId);
            Assert.All((string[])["tracestate", "x-b3-traceid", "x-request-id", "baggage"], name => Assert.False(headers.ContainsKey(name), name));
        });
        Assert.DoesNotContain(wire.Collector.Spans, span => span.Tag("url.full")?.StartsWith(wire.Collector.Address, StringComparison.Ordinal) == true);
    }

    private async Task<(CollectedSpan Server, CollectedSpan Client)> CallAsync(string verb, IEnumerable<HeaderLine> headers)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, "span", headers);
        var server = await wire.ServerSpanAsync(exchange.Path, SpanFormat.Otlp);
        var client = Assert.Single(wire.Collector.Spans, span => span.Format == SpanFormat.Otlp && span.ParentId == server.Id);
        return (server, client);
    }
}
