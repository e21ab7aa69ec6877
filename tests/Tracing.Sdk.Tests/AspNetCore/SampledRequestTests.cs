using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Where the sampling rules decide about requests: at arrival, and once more when the route is known.</summary>
[Collection(Alone.Name)]
public sealed class SampledRequestTests
{
    private static readonly ActivitySource Orders = new("Orders.SampledRequestTests");

    [Theory]
    [InlineData("never path=/orders/*")]
    [InlineData("never route=/orders/{id}")]
    public async Task Rule_Never_RefusesAndSaysSoToTheCallee(string rule)
    {
        await using var server = new WireServer();
        await using var service = await StartAsync(server, rule);
        await service.GetAsync("/orders/7");
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Assert.Equal("0", server.Request["X-B3-Sampled"]);
        Decisions.Assert(service.Services, (DecisionReason.Rule, false, 1));
        Assert.Equal("0 spans started, 0 exported, 0 dropped", service.Log.SpansOfLastLine);
    }

    [Theory]
    [InlineData("always path=/orders/*")]
    [InlineData("always route=/orders/{id}")]
    public async Task Rule_Always_RecordsWhatTheRatioRefuses(string rule)
    {
        await using var server = new WireServer();
        await using var service = await StartAsync(server, rule, o => o.Sampling.Ratio = 0);
        await service.GetAsync("/orders/7");
        await service.GetAsync("/none");
        await service.StopAsync();

        var spans = service.Sink.Spans;
        Assert.Equal(("GET /orders/{id}", 200L, "/orders/7"), (spans.Server().Name, spans.Server().Tag("http.response.status_code"), spans.Server().Tag("url.path")));
        Assert.Equal(spans.Server().SpanId, spans.Client().ParentId);
        Assert.Equal((spans.Client().SpanId, "1"), (server.Request["X-B3-SpanId"], server.Request["X-B3-Sampled"]));
        Decisions.Assert(service.Services, (DecisionReason.Rule, true, 1), (DecisionReason.Ratio, false, 1));
        Assert.Equal("2 spans started, 2 exported, 0 dropped", service.Log.SpansOfLastLine);
    }

    [Theory]
    [InlineData("always route=/orders/{id}", 0, 0)]
    [InlineData("never route=/orders/{id}", 1, 3)]
    public async Task RouteRule_MiddlewareMadeASpanBefore_DecidesNothing(string rule, double ratio, int spans)
    {
        await using var server = new WireServer();
        await using var service = await StartAsync(server, rule, o => o.Sampling.Ratio = ratio, app =>
        {
            app.Use((context, next) =>
            {
                Orders.StartActivity("before")?.Dispose();
                return next(context);
            });
            app.UseRouting();
        });
        await service.GetAsync("/orders/7");
        await service.StopAsync();

        Assert.Equal(spans, service.Sink.Spans.Count);
        Decisions.Assert(service.Services, (DecisionReason.Ratio, ratio == 1, 1));
    }

    [Fact]
    public async Task Rule_OfAPathThatIsIgnored_DecidesNothing()
    {
        await using var server = new WireServer();
        await using var service = await StartAsync(server, "always path=/orders/*", o => o.Ignore.Paths.Add("/orders/*"));
        await service.GetAsync("/orders/7");
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Decisions.Assert(service.Services, (DecisionReason.Ignored, false, 1));
    }

    [Theory]
    [InlineData("path=/orders/*")]
    [InlineData("route=/orders/{id}")]
    public async Task Rule_OverridesTheCaller_RecordsWhatTheCallerRefused(string condition)
    {
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        await using var server = new WireServer();
        await using var service = await StartAsync(server, $"always {condition} override-caller");
        await service.GetAsync("/orders/7", $"traceparent: 00-{trace}-b7ad6b7169203331-00");
        await service.StopAsync();

        Assert.Equal(trace, service.Sink.Spans.Server().TraceId);
        Decisions.Assert(service.Services, (DecisionReason.Rule, true, 1));
    }

    [Theory]
    [InlineData("always", true)]
    [InlineData("never", false)]
    public async Task RouteRule_OfAnEndpointThatRestarts_DecidesAboutTheNewTrace(string rule, bool recorded)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/orders/{id}", () => "ok").WithTraceTrust(TraceTrust.Restart),
            o =>
            {
                o.Sampling.Ratio = recorded ? 0 : 1;
                o.Sampling.Rules.Add(SamplingRule.Parse($"{rule} route=/orders/{{id}}"));
            });
        await service.GetAsync("/orders/7", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        await service.StopAsync();

        Assert.Equal(recorded ? 1 : 0, service.Sink.Spans.Count);
        Decisions.Assert(service.Services, (DecisionReason.Rule, recorded, 1));
    }

    [Fact]
    public void Rule_OfASource_DecidesAboutRootsOutsideOfRequests()
    {
        using var process = new TracedProcess(o => o.Sampling.Rules.Add(SamplingRule.Parse("never source=Orders.*")));
        using (Orders.StartActivity("root")) Assert.Null(Orders.StartActivity("child"));

        Assert.Empty(process.Stop());
        Decisions.Assert(process.Services, (DecisionReason.Rule, false, 1));
    }

    private static Task<TestService> StartAsync(WireServer server, string rule, Action<MeshTracingOptions>? options = null, Action<WebApplication>? use = null) => TestService.StartAsync(
        app =>
        {
            use?.Invoke(app);
            app.MapGet("/orders/{id}", async () =>
            {
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            });
        },
        o =>
        {
            o.Sampling.Rules.Add(SamplingRule.Parse(rule));
            options?.Invoke(o);
        });
}
