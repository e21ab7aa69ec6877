using System.Text.RegularExpressions;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>Checks one exchange from outside: by what left the process and by what was exported.</summary>
internal static partial class ExchangeAssert
{
    private static readonly SpanFormat[] Formats = [SpanFormat.Zipkin, SpanFormat.Otlp];

    public static async Task MatchesAsync(WireFixture wire, RawConnection connection, Exchange exchange, Expectation expected)
    {
        Assert.Equal(200, exchange.Response.Status);
        Assert.NotEmpty(exchange.Calls);
        var calls = exchange.Calls.Select(call => ReadCall(call, expected)).ToList();
        Assert.Single(calls.Select(call => call.TraceId).Distinct());
        Assert.Single(calls.Select(call => call.RequestId).Distinct());
        if (expected.TraceId is null)
            Assert.Matches(expected.Sampled ? SampledRequestId() : UndecidedRequestId(), calls[0].RequestId);

        if (!expected.Sampled)
        {
            await wire.FlushAsync(connection);
            Assert.DoesNotContain(wire.Collector.Spans, span => IsOf(exchange, span));
            return;
        }

        foreach (var format in Formats)
        {
            var server = await wire.ServerSpanAsync(exchange.Path, format);
            CheckServer(server, calls[0].TraceId, expected);

            // Client spans end before their server span and are exported before it: all of them are here now, and no other.
            var all = wire.Collector.Spans.Where(span => span.Format == format && IsOf(exchange, span)).ToList();
            var clients = all.Where(span => span.Kind == "CLIENT").ToList();
            Assert.Equal(calls.Select(call => call.SpanId).Order(), clients.Select(client => client.Id).Order());
            Assert.Equal(1 + clients.Count, all.Count);
            Assert.All(clients, client => CheckClient(client, server, expected));
        }
    }

    /// <summary>What the headers of one call say, after they were found to be well-formed and to agree with each other.</summary>
    private static Call ReadCall(RawMessage request, Expectation expected)
    {
        var traceparent = request.One("traceparent");
        Assert.NotNull(traceparent);
        Assert.Matches(TraceParent(), traceparent);
        var traceId = traceparent[3..35];
        var spanId = traceparent[36..52];
        var flags = Convert.ToInt32(traceparent[53..], 16);
        if (expected.TraceId is not null) Assert.Equal(expected.TraceId, traceId);
        Assert.Equal((expected.Sampled ? 1 : 0) | (expected.Random ? 2 : 0), flags);
        Assert.NotEqual(expected.ParentId, spanId);

        Assert.Equal(TraceStateList.Expected(expected.TraceState, spanId, expected.Debug), request.One("tracestate"));

        Assert.Equal(traceId.StartsWith("0000000000000000", StringComparison.Ordinal) ? traceId[16..] : traceId, request.One("X-B3-TraceId"));
        Assert.Equal(spanId, request.One("X-B3-SpanId"));
        Assert.Equal(expected.Sampled ? "1" : "0", request.One("X-B3-Sampled"));
        Assert.Equal(expected.Debug ? "1" : null, request.One("X-B3-Flags"));
        Assert.Null(request.One("X-B3-ParentSpanId"));
        Assert.Null(request.One("b3"));

        Assert.Equal(expected.Baggage, request.One("baggage"));
        return new Call(traceId, spanId, request.One("x-request-id"));
    }

    private static void CheckServer(CollectedSpan server, string traceId, Expectation expected)
    {
        Assert.Equal(traceId, server.TraceId);
        Assert.Equal(expected.ParentId, server.ParentId);
        Assert.Equal(WireFixture.ServiceName, server.Service);
        if (server.Format == SpanFormat.Zipkin)
        {
            Assert.Equal(expected.Debug, server.Debug);
            Assert.False(server.Shared);
            Assert.Equal(traceId.StartsWith("0000000000000000", StringComparison.Ordinal) ? traceId[16..] : traceId, server.TraceIdAsSent);
        }
        else
        {
            const uint RemotenessKnown = 0x100, ParentIsRemote = 0x200;
            Assert.Equal(RemotenessKnown | (expected.ParentId is null ? 0 : ParentIsRemote) | TraceFlags(expected), server.Flags);
            if (expected.Link is { } link)
            {
                var found = Assert.Single(server.Links);
                Assert.Equal((link.TraceId, link.SpanId), (found.TraceId, found.SpanId));
                Assert.Equal(new Dictionary<string, string> { ["reason"] = "conflicting_context", ["format"] = link.Format }, found.Attributes);
            }
            else
            {
                Assert.Empty(server.Links);
            }
        }
    }

    private static void CheckClient(CollectedSpan client, CollectedSpan server, Expectation expected)
    {
        Assert.Equal(server.TraceId, client.TraceId);
        Assert.Equal(server.Id, client.ParentId);
        if (client.Format == SpanFormat.Zipkin)
            Assert.Equal(expected.Debug, client.Debug);
        else
            Assert.Equal(0x100 | TraceFlags(expected), client.Flags);
    }

    private static uint TraceFlags(Expectation expected) => (expected.Sampled ? 1u : 0) | (expected.Random ? 2u : 0);

    private static bool IsOf(Exchange exchange, CollectedSpan span) =>
        span.Tag("url.path") == exchange.Path || span.Tag("url.full")?.Contains($"/{exchange.Tag}/", StringComparison.Ordinal) == true;

    [GeneratedRegex("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$")]
    private static partial Regex TraceParent();

    // Envoy keeps its own decision in the 15th character of a UUIDv4: 9 is "sampled", 4 is "nobody has decided".
    [GeneratedRegex("^[0-9a-f]{8}-[0-9a-f]{4}-9[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    private static partial Regex SampledRequestId();

    [GeneratedRegex("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    private static partial Regex UndecidedRequestId();

    private readonly record struct Call(string TraceId, string SpanId, string? RequestId);
}
