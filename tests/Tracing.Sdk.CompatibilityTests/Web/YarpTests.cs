using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("Yarp.ReverseProxy", "one SERVER span a request, one CLIENT span a forwarded request. Its own span, proxy.forwarder, is left out: it is a second SERVER span of the same request", Name = "YARP")]
public sealed class YarpTests
{
    private const string B3 = $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-1";
    private const string B3NotSampled = $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-0";

    [Theory]
    [InlineData("1.1", "1.1")]
    [InlineData("2.0", "2")]
    public async Task Forwarded_HasOneServerAndOneClientSpan(string version, string recorded)
    {
        await using var shop = await StartShopAsync(version);
        await using var proxy = await StartProxyAsync(shop, version);
        await proxy.GetAsync("/shop/orders/7");
        var spans = await StopAsync(proxy, shop);

        Assert.Equal(
            """
            SERVER GET /shop/{**rest}
              CLIENT GET
                SERVER GET /shop/orders/{id}
            """,
            TraceOutline.Of(spans));
        Assert.Equal(recorded, Assert.Single(spans, span => span.Kind == "CLIENT").Tag("network.protocol.version"));
    }

    [Fact]
    public async Task Grpc_Forwarded_HasOneServerAndOneClientSpan()
    {
        await using var shop = await GrpcTests.StartAsync();
        await using var proxy = await StartProxyAsync(shop, "2.0", build: SpeakHttp2);
        await GrpcTests.CallAsync(proxy.Client, proxy.Address, "7");

        Assert.Equal(
            """
            SERVER POST /shop.Orders/{**rest}
              CLIENT POST
                SERVER shop.Orders/Get
            """,
            TraceOutline.Of(await StopAsync(proxy, shop)));
    }

    [Fact]
    public async Task WebSocket_Forwarded_HasOneServerAndOneClientSpan()
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("traceparent", TracedApp.Sampled["traceparent: ".Length..]);
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        await socket.ConnectAsync(new UriBuilder(proxy.Address) { Scheme = "ws", Path = "/shop/socket" }.Uri, invoker, CancellationToken.None);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);

        Assert.Equal(
            """
            SERVER GET /shop/{**rest}
              CLIENT GET
                SERVER GET /shop/socket
            """,
            TraceOutline.Of(await StopAsync(proxy, shop)));
    }

    [Fact]
    public async Task Refused_HasTheErrorOnBoth()
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop);
        await shop.StopAsync();
        await proxy.GetAsync("/shop/orders/7");

        Assert.Equal("SERVER GET /shop/{**rest} !\n  CLIENT GET !", TraceOutline.Of(await proxy.StopAsync()));
    }

    [Theory]
    [InlineData(TracedApp.Sampled)]
    [InlineData(B3)]
    public async Task Forwarded_SendsTheIdOfTheClientSpanInBothFormats(string header)
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop);
        var received = await proxy.GetAsync("/shop/headers", header);
        var id = Assert.Single(await proxy.StopAsync(), span => span.Kind == "CLIENT").Id;

        Assert.Equal($"00-{TracedApp.TraceId}-{id}-01 {TracedApp.TraceId} {id} 1 -", received);
    }

    [Theory]
    [InlineData(TracedApp.NotSampled)]
    [InlineData(B3NotSampled)]
    public async Task NotSampled_SendsNoInBothFormats(string header)
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop);
        var received = await proxy.GetAsync("/shop/headers", header);

        Assert.Empty(await StopAsync(proxy, shop));
        Assert.Matches($"^00-{TracedApp.TraceId}-(?<id>[0-9a-f]{{16}})-00 {TracedApp.TraceId} \\k<id> 0 -$", received);
    }

    [Fact]
    public async Task ForwardMode_SendsWhatCameIn()
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop, options: o => o.Mode = MeshTracingMode.Forward);

        Assert.Equal($"{TracedApp.Sampled["traceparent: ".Length..]}    -", await proxy.GetAsync("/shop/headers"));
        Assert.Equal($"    {B3["b3: ".Length..]}", await proxy.GetAsync("/shop/headers", B3));
    }

    [Fact]
    public async Task Restarted_SendsTheNewTrace()
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop, options: o => o.Trust.Default = TraceTrust.Restart);
        var received = await proxy.GetAsync("/shop/headers", TracedApp.Sampled, B3);
        var spans = await StopAsync(proxy, shop);

        Assert.Equal(
            """
            root
              SERVER GET /shop/{**rest}
                CLIENT GET
                  SERVER GET /shop/headers
            """,
            TraceOutline.Of(spans));
        Assert.DoesNotContain(TracedApp.TraceId, received, StringComparison.Ordinal);
        Assert.EndsWith(" 1 -", received, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sources_NameIt_RecordsItsSpanToo()
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop, options: o => o.Sources.Add("Yarp.ReverseProxy"));
        await proxy.GetAsync("/shop/orders/7");

        Assert.Equal(
            """
            SERVER GET /shop/{**rest}
              SERVER proxy.forwarder
                CLIENT GET
                  SERVER GET /shop/orders/{id}
            """,
            TraceOutline.Of(await StopAsync(proxy, shop)));
    }

    // As docs/enriching.md says.
    [Fact]
    public async Task RequestEnd_SetsWhatItsSpanWouldSay()
    {
        await using var shop = await StartShopAsync();
        await using var proxy = await StartProxyAsync(shop, options: o => o.Enrich.RequestEnd = (activity, context, _) =>
        {
            if (context.Features.Get<IReverseProxyFeature>() is not { } feature) return;
            activity.SetTag("proxy.route_id", feature.Route.Config.RouteId);
            activity.SetTag("proxy.cluster_id", feature.Cluster.Config.ClusterId);
            activity.SetTag("proxy.destination_id", feature.ProxiedDestination?.DestinationId);
        });
        await proxy.GetAsync("/shop/orders/7");
        var span = Assert.Single(await proxy.StopAsync(), span => span.Name == "GET /shop/{**rest}");

        Assert.Equal(("shop", "shop-cluster", "shop-1"), (span.Tag("proxy.route_id"), span.Tag("proxy.cluster_id"), span.Tag("proxy.destination_id")));
    }

    private static async Task<IReadOnlyList<CollectedSpan>> StopAsync(TracedApp proxy, TracedApp shop) => [.. await proxy.StopAsync(), .. await shop.StopAsync()];

    private static Task<TracedApp> StartShopAsync(string version = "1.1") => TracedApp.StartAsync(
        app =>
        {
            app.UseWebSockets();
            app.MapGet("/shop/orders/{id}", (int id) => id);
            app.MapGet("/shop/headers", (HttpRequest request) =>
            {
                var headers = request.Headers;
                var b3 = headers["b3"] is [{ } single] ? single : "-";
                return $"{headers["traceparent"]} {headers["x-b3-traceid"]} {headers["x-b3-spanid"]} {headers["x-b3-sampled"]} {b3}";
            });
            app.Map("/shop/socket", async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                await socket.ReceiveAsync(new byte[8], CancellationToken.None);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            });
        },
        build =>
        {
            if (version == "2.0") SpeakHttp2(build);
        });

    private static Task<TracedApp> StartProxyAsync(TracedApp shop, string version = "1.1", Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null) =>
        TracedApp.StartAsync(
            app => app.MapReverseProxy(),
            builder =>
            {
                build?.Invoke(builder);
                builder.Services.AddReverseProxy().LoadFromMemory(
                    [
                        new RouteConfig { RouteId = "shop", ClusterId = "shop-cluster", Match = new RouteMatch { Path = "/shop/{**rest}" } },
                        new RouteConfig { RouteId = "grpc", ClusterId = "shop-cluster", Match = new RouteMatch { Path = "/shop.Orders/{**rest}" } },
                    ],
                    [
                        new ClusterConfig
                        {
                            ClusterId = "shop-cluster",
                            Destinations = new Dictionary<string, DestinationConfig> { ["shop-1"] = new() { Address = shop.Address.ToString() } },
                            HttpRequest = new ForwarderRequestConfig { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact },
                        },
                    ]);
            },
            options);

    private static void SpeakHttp2(WebApplicationBuilder builder) =>
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2));
}
