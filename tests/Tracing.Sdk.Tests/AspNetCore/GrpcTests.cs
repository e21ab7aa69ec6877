using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Tracing.Sdk.Tests.Shop;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>A real channel to a real service, h2c.</summary>
[Collection(Alone.Name)]
public sealed class GrpcTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    [Fact]
    public async Task Unary_SampledTrace_IsOneTreeWithTheSameIdsInBothFormats()
    {
        var (spans, received) = await CallAsync(
            async orders => Assert.Equal(7, (await orders.GetAsync(new OrderRequest { Id = 7 })).Id),
            $"traceparent: 00-{TraceId}-{SpanId}-01", "x-request-id: abc", "baggage: user=1");

        AssertTree(spans);
        Assert.Equal(
            ["client shop.Orders/Get", "server GET /", "server shop.Orders/Get"],
            spans.Select(s => $"{s.Kind} {s.Name}").Order());
        var server = Assert.Single(spans, s => s.Kind == "server" && s.Name == "shop.Orders/Get");
        var headers = Assert.Single(received);
        Assert.Equal((TraceId, server.ParentId, "1"), (headers["x-b3-traceid"], headers["x-b3-spanid"], headers["x-b3-sampled"]));
        Assert.Equal($"00-{TraceId}-{server.ParentId}-01", headers["traceparent"]);
        Assert.Equal($"mesh=p:{server.ParentId}", headers["tracestate"]);
        Assert.Equal(("abc", "user=1"), (headers["x-request-id"], headers["baggage"]));
        Assert.Equal("2", server.Tag("network.protocol.version"));
        Assert.Equal("POST", server.Tag("http.request.method"));
    }

    [Fact]
    public async Task Unary_UnsampledTrace_IsDeniedInBothFormats()
    {
        var (spans, received) = await CallAsync(
            async orders => await orders.GetAsync(new OrderRequest { Id = 7 }), $"traceparent: 00-{TraceId}-{SpanId}-00");

        Assert.Empty(spans);
        var spanId = received[0]["x-b3-spanid"];
        Assert.NotEqual(SpanId, spanId);
        Assert.Equal(("0", $"00-{TraceId}-{spanId}-00"), (received[0]["x-b3-sampled"], received[0]["traceparent"]));
    }

    [Fact]
    public async Task ServerStream_SampledTrace_IsOneTree()
    {
        var (spans, received) = await CallAsync(
            async orders =>
            {
                using var call = orders.List(new OrderRequest { Id = 3 });
                var count = 0;
                await foreach (var _ in call.ResponseStream.ReadAllAsync()) count++;
                Assert.Equal(3, count);
            },
            $"traceparent: 00-{TraceId}-{SpanId}-01");

        AssertTree(spans);
        Assert.Single(received);
    }

    [Fact]
    public async Task Retry_ByTheChannel_IsASpanForEachAttemptAndOneRequestId()
    {
        var (spans, received) = await CallAsync(
            async orders => Assert.Equal(-2, (await orders.GetAsync(new OrderRequest { Id = -2 })).Id), $"traceparent: 00-{TraceId}-{SpanId}-01");

        AssertTree(spans);
        Assert.Equal(3, received.Count);
        Assert.Equal(3, received.Select(h => h["x-b3-spanid"]).Distinct().Count());
        Assert.Single(received.Select(h => h["x-request-id"]).Distinct());
        Assert.Equal(received.Select(h => h["x-b3-spanid"]).Order(), spans.Where(s => s.Name.Contains("Orders/Get", StringComparison.Ordinal) && s.Kind == "server").Select(s => s.ParentId!).Order());
    }

    [Fact]
    public async Task Unary_Fails_IsStillOneTree()
    {
        var (spans, _) = await CallAsync(
            async orders => Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await orders.GetAsync(new OrderRequest { Id = OrdersCalls.Status + (int)StatusCode.NotFound }))).StatusCode),
            $"traceparent: 00-{TraceId}-{SpanId}-01");

        AssertTree(spans);
    }

    private static void AssertTree(IReadOnlyList<Span> spans)
    {
        var known = spans.Select(s => (string?)s.SpanId).Append(SpanId).ToHashSet();
        Assert.All(spans, s => Assert.Contains(s.ParentId, known));
        Assert.All(spans, s => Assert.Equal(TraceId, s.TraceId));
        Assert.Single(spans, s => s.ParentId == SpanId);
        Assert.Equal(spans.Count, spans.Select(s => s.SpanId).Distinct().Count());
    }

    private static async Task<(IReadOnlyList<Span> Spans, IReadOnlyList<Dictionary<string, string>> Received)> CallAsync(
        Func<Orders.OrdersClient, Task> call, params string[] headers)
    {
        var run = await GrpcShop.CallAsync(
            async target =>
            {
                var retry = new MethodConfig
                {
                    Names = { MethodName.Default },
                    RetryPolicy = new RetryPolicy
                    {
                        MaxAttempts = 5, InitialBackoff = TimeSpan.FromMilliseconds(1), MaxBackoff = TimeSpan.FromMilliseconds(1), BackoffMultiplier = 1,
                        RetryableStatusCodes = { StatusCode.Unavailable },
                    },
                };
                using var channel = GrpcChannel.ForAddress(target.Address, new GrpcChannelOptions { ServiceConfig = new ServiceConfig { MethodConfigs = { retry } } });
                await call(new Orders.OrdersClient(channel));
            },
            headers: headers);
        return (run.Spans, run.Received);
    }
}
