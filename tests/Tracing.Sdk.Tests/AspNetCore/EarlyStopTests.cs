using System.Diagnostics;
using System.Net.WebSockets;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Shop;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Code of the application stops the span of its request before the request ends, as for a stream that lasts for hours.</summary>
[Collection(Alone.Name)]
public sealed class EarlyStopTests
{
    [Fact]
    public async Task Stop_BeforeTheResponse_HasNameKindAndRequest()
    {
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.Stop()));

        Assert.Equal(("GET /orders/{id}", "server", "unset"), (span.Name, span.Kind, span.Status));
        Assert.Equal(("GET", "/orders/7", "/orders/{id}"), (span.Tag("http.request.method"), span.Tag("url.path"), span.Tag("http.route")));
        Assert.Null(span.Tag("http.response.status_code"));
    }

    [Theory]
    [InlineData(200, null, "unset")]
    [InlineData(404, null, "unset")]
    [InlineData(503, "503", "error")]
    public async Task Stop_ResponseHasBegun_HasItsStatus(int code, string? error, string status)
    {
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", async (HttpContext context) =>
        {
            context.Response.StatusCode = code;
            await context.Response.WriteAsync("first of many");
            Activity.Current!.Stop();
            await context.Response.WriteAsync("second");
        }));

        Assert.Equal(("GET /orders/{id}", (long?)code, error, status), (span.Name, (long?)span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
    }

    [Fact]
    public async Task Dispose_IsAStop()
    {
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.Dispose()));

        Assert.Equal("GET /orders/{id}", span.Name);
    }

    [Fact]
    public async Task Stop_BeforeRouting_IsNamedByTheMethod()
    {
        var span = await RequestAsync(app =>
        {
            app.Use((context, next) =>
            {
                Activity.Current!.Stop();
                return next(context);
            });
            app.UseRouting();
            app.MapGet("/orders/{id}", (int id) => "ok");
        });

        Assert.Equal("GET", span.Name);
        Assert.Null(span.Tag("http.route"));
    }

    [Fact]
    public async Task Stop_NameStatusAndTagOfTheApplication_AreKept()
    {
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", async (HttpContext context) =>
        {
            var activity = Activity.Current!;
            activity.DisplayName = "mine";
            activity.SetStatus(ActivityStatusCode.Ok).SetTag("http.route", "/mine");
            context.Response.StatusCode = 500;
            await context.Response.WriteAsync("no");
            activity.Stop();
        }));

        Assert.Equal(("mine", "ok", "/mine", 500L), (span.Name, span.Status, span.Tag("http.route"), span.Tag("http.response.status_code")));
    }

    [Fact]
    public async Task Stop_EndpointThrowsLater_IsExportedAsItWas()
    {
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", void (int id) =>
        {
            Activity.Current!.Stop();
            throw new InvalidOperationException("later");
        }));

        Assert.Equal(("GET /orders/{id}", "unset"), (span.Name, span.Status));
        Assert.Empty(span.Events);
    }

    [Fact]
    public async Task Stop_RequestEnd_RunsOnceAndIsExported()
    {
        var runs = 0;
        var span = await RequestAsync(
            app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.Stop()),
            o => o.Enrich.RequestEnd = (activity, context, _) =>
            {
                runs++;
                activity.SetTag("endpoint", context.GetEndpoint()!.DisplayName);
            });

        Assert.Equal((1, "GET /orders/{id}", "HTTP: GET /orders/{id}"), (runs, span.Name, span.Tag("endpoint")));
    }

    [Fact]
    public async Task Stop_EndpointThatRestartsTheTrace_HasItsName()
    {
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.Stop()).WithTraceTrust(TraceTrust.Restart));

        Assert.Equal(("GET /orders/{id}", "/orders/7"), (span.Name, span.Tag("url.path")));
    }

    [Fact]
    public async Task Stop_ByAMethodOfGrpc_IsNamedByTheMethod()
    {
        var run = await GrpcShop.CallAsync(
            async target =>
            {
                using var channel = GrpcChannel.ForAddress(target.Address);
                await new Orders.OrdersClient(channel).GetAsync(new OrderRequest { Id = 7 });
            },
            use: app =>
            {
                app.UseRouting();
                app.Use((context, next) =>
                {
                    Activity.Current!.Stop();
                    return next(context);
                });
            });

        Assert.Equal(("shop.Orders/Get", "grpc", "shop.Orders/Get"), (run.Server.Name, run.Server.Tag("rpc.system.name"), run.Server.Tag("rpc.method")));
        Assert.Null(run.Server.Tag("rpc.response.status_code"));
    }

    [Fact]
    public async Task Stop_WebSocketIsAccepted_HasItsStatus()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseWebSockets();
            app.Map("/prices", async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                Activity.Current!.Stop();
                await socket.ReceiveAsync(new byte[8], CancellationToken.None);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            });
        });
        using var socket = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        await socket.ConnectAsync(new UriBuilder(service.Address) { Scheme = "ws", Path = "/prices" }.Uri, invoker, CancellationToken.None);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        var span = Assert.Single(await service.StopAsync(), span => span.Kind == "server");

        Assert.Equal(("GET /prices", 101L), (span.Name, span.Tag("http.response.status_code")));
    }

    [Fact]
    public async Task Stop_ByAHandlerOfACall_HasItsNameAndUrl()
    {
        using var stub = new StubHandler((_, _) =>
        {
            Activity.Current!.Stop();
            return new HttpResponseMessage();
        });
        var spans = await Traced.RunAsync(async services =>
        {
            using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("stub");
            (await client.GetAsync(new Uri("http://shop/orders"))).Dispose();
        }, build: builder => builder.Services.AddHttpClient("stub").ConfigurePrimaryHttpMessageHandler(() => stub));
        var call = Assert.Single(spans.Clients());

        Assert.Equal(("GET", "http://shop/orders"), (call.Name, call.Tag("url.full")));
    }

    private static async Task<Span> RequestAsync(Action<WebApplication> map, Action<MeshTracingOptions>? options = null)
    {
        await using var service = await TestService.StartAsync(map, options);
        await service.GetAsync("/orders/7");
        return Assert.Single(await service.StopAsync(), span => span.Kind == "server");
    }
}
