using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

public sealed class RequestEnrichmentTests
{
    [Fact]
    public async Task Start_Set_RunsBeforeTheApplication()
    {
        var span = await RequestAsync(
            app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.GetTagItem("tenant")),
            o => o.Enrich.RequestStart = (activity, context) => activity.SetTag("tenant", context.Request.Headers["x-tenant"].ToString()));

        Assert.Equal("shop", span.Tag("tenant"));
    }

    [Fact]
    public async Task Start_SetsOurAttributes_Wins()
    {
        var span = await RequestAsync(Map, o => o.Enrich.RequestStart = (activity, _) =>
        {
            activity.SetTag("url.path", "/orders/*").SetTag("user_agent.original", null).SetStatus(ActivityStatusCode.Error, "mine");
            activity.DisplayName = "order";
        });

        Assert.Equal(("order", "/orders/*", "error", "mine"), (span.Name, span.Tag("url.path"), span.Status, span.StatusMessage));
        Assert.Null(span.Tag("user_agent.original"));
    }

    [Fact]
    public async Task End_SetsOurAttributes_Wins()
    {
        var span = await RequestAsync(Map, o => o.Enrich.RequestEnd = (activity, _, _) =>
        {
            activity.SetTag("http.route", "/mine").SetTag("user_agent.original", null).SetTag("http.response.status_code", 299).SetStatus(ActivityStatusCode.Ok);
            activity.DisplayName = "order";
        });

        Assert.Equal(("order", "/mine", 299L, "ok"), (span.Name, span.Tag("http.route"), span.Tag("http.response.status_code"), span.Status));
        Assert.Null(span.Tag("user_agent.original"));
    }

    [Fact]
    public async Task End_Set_ReadsAttributesEndpointAndResponse()
    {
        var span = await RequestAsync(Map, o => o.Enrich.RequestEnd = (activity, context, exception) =>
            activity.SetTag("read", $"{activity.GetTagItem("http.route")} {context.GetEndpoint()!.DisplayName} {context.Response.StatusCode} {exception is null}"));

        Assert.Equal("/orders/{id} HTTP: GET /orders/{id} 200 True", span.Tag("read"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task End_EndpointThrows_HasTheException(bool isHandled)
    {
        var span = await RequestAsync(
            app =>
            {
                if (isHandled) app.UseExceptionHandler(handler => handler.Run(_ => Task.CompletedTask));
                app.MapGet("/orders/{id}", string (int id) => throw new InvalidOperationException("no"));
            },
            o => o.Enrich.RequestEnd = (activity, _, exception) => activity.SetTag("error.type", exception?.Message));

        Assert.Equal(("no", "error", 500L), (span.Tag("error.type"), span.Status, span.Tag("http.response.status_code")));
    }

    [Fact]
    public async Task Enrich_EndpointRestartsTheTrace_AddsToTheSpanThatIsRecorded()
    {
        var ids = new List<string>();
        var span = await RequestAsync(
            app => app.MapGet("/orders/{id}", (int id) => "ok").WithTraceTrust(TraceTrust.Restart),
            o =>
            {
                o.Enrich.RequestStart = (activity, _) =>
                {
                    activity.SetTag("start", "1");
                    ids.Add(activity.SpanId.ToHexString());
                };
                o.Enrich.RequestEnd = (activity, _, _) =>
                {
                    activity.SetTag("end", "1");
                    ids.Add(activity.SpanId.ToHexString());
                };
            },
            "traceparent: 00-" + Guid.NewGuid().ToString("N") + "-b7ad6b7169203331-01");

        Assert.Equal(("1", "1"), (span.Tag("start"), span.Tag("end")));
        Assert.Equal(3, ids.Count);
        Assert.Equal([span.SpanId, span.SpanId], ids[1..]);
    }

    [Fact]
    public async Task Enrich_NotRecorded_DoesNotRun()
    {
        var calls = 0;
        await using var service = await TestService.StartAsync(Map, o =>
        {
            o.Sampling.Ratio = 0;
            o.Enrich.RequestStart = (_, _) => calls++;
            o.Enrich.RequestEnd = (_, _, _) => calls++;
        });
        await service.GetAsync("/orders/7");
        await service.StopAsync();

        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task Enrich_Throws_CostsNothingAndIsLoggedOnceForEachFunction()
    {
        await using var service = await TestService.StartAsync(Map, o =>
        {
            o.Enrich.RequestStart = (_, _) => throw new InvalidOperationException("start");
            o.Enrich.RequestEnd = (_, _, _) => throw new InvalidOperationException("end");
        });
        var statuses = new[] { (await service.GetAsync("/orders/7")).Status, (await service.GetAsync("/orders/8")).Status };
        var spans = await service.StopAsync();

        Assert.Equal([200, 200], statuses);
        Assert.Equal(["/orders/7", "/orders/8"], spans.Select(s => s.Tag("url.path")));
        var lines = service.Log.OfTracing.Where(l => l.StartsWith("The application's", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, lines.Count);
        Assert.StartsWith("The application's Enrich:RequestStart threw System.InvalidOperationException: start", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("The application's Enrich:RequestEnd threw System.InvalidOperationException: end", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("server")]
    [InlineData("client")]
    [InlineData("internal")]
    public async Task Baggage_ListedKeys_AreAttributesOfEverySpan(string kind)
    {
        using var source = new ActivitySource("Shop." + Guid.NewGuid());
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var activity = source.StartActivity("work");
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            }),
            o => o.Enrich.BaggageKeys.Add("tenant"));
        await service.GetAsync("/", "baggage: tenant=blue,user=7");
        var span = Assert.Single(await service.StopAsync(), s => s.Kind == kind);

        Assert.Equal("blue", span.Tag("tenant"));
        Assert.Null(span.Tag("user"));
    }

    [Fact]
    public async Task Baggage_SetByCode_IsOnSpansThatStartLater()
    {
        using var source = new ActivitySource("Shop." + Guid.NewGuid());
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () =>
            {
                OpenTelemetry.Baggage.SetBaggage("tenant", "blue");
                Activity.Current!.AddBaggage("order", "7");
                using var activity = source.StartActivity("work");
            }),
            o =>
            {
                o.Enrich.BaggageKeys.Add("tenant");
                o.Enrich.BaggageKeys.Add("order");
            });
        await service.GetAsync("/");
        var spans = await service.StopAsync();
        var inner = Assert.Single(spans, s => s.Kind == "internal");

        Assert.Equal(("blue", "7"), (inner.Tag("tenant"), inner.Tag("order")));
        Assert.Null(spans.Server().Tag("tenant"));
    }

    [Fact]
    public async Task Baggage_AttributeExists_IsKept()
    {
        using var source = new ActivitySource("Shop." + Guid.NewGuid());
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () =>
            {
                using var activity = source.StartActivity("work", ActivityKind.Internal, default(ActivityContext), [new("tenant", "mine")]);
            }),
            o => o.Enrich.BaggageKeys.Add("tenant"));
        await service.GetAsync("/", "baggage: tenant=blue");

        Assert.Equal("mine", Assert.Single(await service.StopAsync(), s => s.Kind == "internal").Tag("tenant"));
    }

    [Theory]
    [InlineData("baggage: tenant=blue")]
    [InlineData("baggage: tenant=blue", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    public async Task Baggage_EndpointRestartsTheTrace_IsNotShown(params string[] headers)
    {
        var span = await RequestAsync(
            app => app.MapGet("/orders/{id}", (int id) => "ok").WithTraceTrust(TraceTrust.Restart),
            o => o.Enrich.BaggageKeys.Add("tenant"),
            headers);

        Assert.Null(span.Tag("tenant"));
    }

    private static void Map(WebApplication app) => app.MapGet("/orders/{id}", (int id) => "ok");

    private static async Task<Span> RequestAsync(Action<WebApplication> map, Action<MeshTracingOptions> options, params string[] headers)
    {
        await using var service = await TestService.StartAsync(map, options);
        await service.GetAsync("/orders/7", ["User-Agent: curl/8.0", "x-tenant: shop", .. headers]);
        await service.StopAsync();
        return Assert.Single(service.Sink.Spans, s => s.Kind == "server" && (string?)s.Tag("url.path") is "/orders/7" or "/orders/*");
    }
}
