using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Decisions that an endpoint changes: what has been decided, counted and sent before.</summary>
[Collection(Alone.Name)]
public sealed class EndpointDecisionTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";
    private static readonly ActivitySource Orders = new("Orders.EndpointDecisionTests");

    [Theory]
    [InlineData(TraceTrust.Restart, "never path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "never path=/hooks")]
    [InlineData(TraceTrust.Restart, "never override-caller path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "never override-caller path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "never route=/hooks")]
    [InlineData(TraceTrust.Restart, "never route=/hooks")]
    public async Task Never_EndpointTrustsLess_HoldsForEveryCaller(TraceTrust trust, string rule)
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/hooks", () => "ok").WithTraceTrust(trust), o => o.Sampling.Rules.Add(SamplingRule.Parse(rule)));
        await service.GetAsync("/hooks", $"traceparent: 00-{TraceId}-{SpanId}-01");
        await service.GetAsync("/hooks");
        await service.StopAsync();
        Assert.Empty(service.Sink.Spans);
        Decisions.Assert(service.Services, (DecisionReason.Rule, false, 2));
    }

    [Theory]
    [InlineData(TraceTrust.Restart, "always path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "always path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "always")]
    [InlineData(TraceTrust.TrustIdsOnly, "100/s path=/hooks")]
    [InlineData(TraceTrust.Restart, "100/s path=/hooks")]
    [InlineData(TraceTrust.Restart, "100/s override-caller path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "always override-caller")]
    [InlineData(TraceTrust.Restart, "0.001/s burst=2 override-caller path=/hooks")]
    [InlineData(TraceTrust.TrustIdsOnly, "0.001/s burst=2 override-caller path=/hooks")]
    public async Task Always_EndpointTrustsLess_RecordsByTheRule(TraceTrust trust, string rule)
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/hooks", () => "ok").WithTraceTrust(trust), o => { o.Sampling.Ratio = 0; o.Sampling.Rules.Add(SamplingRule.Parse(rule)); });
        await service.GetAsync("/hooks", $"traceparent: 00-{TraceId}-{SpanId}-01");
        await service.GetAsync("/hooks", $"traceparent: 00-{TraceId}-{SpanId}-00");
        await service.StopAsync();
        Assert.Equal(2, service.Sink.Spans.Count);
        Assert.Equal("2 spans started, 2 exported, 0 dropped", service.Log.SpansOfLastLine.Split(';')[0]);
    }

    [Theory]
    [InlineData("inject", false)]
    [InlineData("stub", false)]
    [InlineData("spanless", false)]
    [InlineData("inject", true)]
    [InlineData("stub", true)]
    [InlineData("spanless", true)]
    public async Task Endpoint_IdsHaveLeftBefore_TheirSpanIsExported(string how, bool byRule)
    {
        await using var server = new WireServer();
        var sent = new List<string>();
        var stub = new StubHandler();
        await using var service = await TestService.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                if (how == "inject") context.RequestServices.GetRequiredService<TextMapPropagator>().Inject(new PropagationContext(Activity.Current!.Context, Baggage.Current), sent, static (c, name, value) => { if (name == "traceparent") c.Add(value); });
                else await context.RequestServices.GetRequiredService<IHttpClientFactory>().CreateClient(how).GetStringAsync("http://inner/poll");
                await next(context);
            });
            app.UseRouting();
            var e = app.MapGet("/ping", () => "ok");
            if (!byRule) e.DisableTracing();
        }, o =>
        {
            if (byRule) o.Sampling.Rules.Add(SamplingRule.Parse("never route=/ping"));
            if (how == "stub") o.Ignore.Calls.Add("*/poll");
        }, b =>
        {
            b.Services.AddHttpClient("stub").ConfigurePrimaryHttpMessageHandler(() => stub);
            b.Services.AddHttpClient("spanless").ConfigurePrimaryHttpMessageHandler(() => stub).ConfigureTracing(o => o.Span = false);
        });
        await service.GetAsync("/ping");
        await service.GetAsync("/ping");
        await service.StopAsync();
        sent.AddRange(stub.Sent.Select(s => s["traceparent"]));
        Assert.Equal(2, sent.Count);
        Assert.All(sent, p => Assert.Contains(p[^1], "13"));
        foreach (var parent in sent) Assert.Contains(service.Sink.Spans, s => s.SpanId == parent.Substring(36, 16));
    }

    [Theory]
    [InlineData("always route=/a/{id}")]
    [InlineData("always path=/a/*")]
    public async Task Rule_RecordsAtTheEndpoint_SpanHasBaggageAndEnrichment(string rule)
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/a/{id}", (string id) => id), o =>
        {
            o.Sampling.Ratio = 0;
            o.Sampling.Rules.Add(SamplingRule.Parse(rule));
            o.Enrich.BaggageKeys.Add("tenant");
            o.Enrich.RequestStart = (a, _) => a.SetTag("start", "x");
            o.Enrich.RequestEnd = (a, _, _) => a.SetTag("end", "x");
        });
        await service.GetAsync("/a/1", "baggage: tenant=acme");
        var span = (await service.StopAsync()).Server();
        Assert.Equal("acme", span.Tag("tenant"));
        Assert.Equal("x", span.Tag("end"));
        Assert.Equal("x", span.Tag("start"));
    }

    [Fact]
    public async Task Trust_RecordsAtTheEndpoint_SpanIsBegunOnce()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/a/{id}", (string id) => id).WithTraceTrust(TraceTrust.TrustIdsOnly), o =>
        {
            o.Sampling.Rules.Add(SamplingRule.Parse("never route=/b"));
            o.Enrich.RequestStart = (a, _) => a.SetTag("start", (int)(a.GetTagItem("start") ?? 0) + 1);
            o.Enrich.RequestEnd = (a, _, _) => a.SetTag("end", (int)(a.GetTagItem("end") ?? 0) + 1);
        });
        await service.GetAsync("/a/1", $"traceparent: 00-{TraceId}-{SpanId}-00", "tracestate: x=1", $"b3: {ActivityTraceId.CreateRandom()}-{SpanId}-0");
        var span = (await service.StopAsync()).Server();
        Assert.Equal("1", span.Tag("start")?.ToString());
        Assert.Equal("1", span.Tag("end")?.ToString());
        Assert.Equal("/a/{id}", span.Tag("http.route"));
        Assert.Single(span.Links);
        var recorder = service.Services.GetRequiredService<MeshTracing>().Instance.Recorder!;
        var table = recorder.GetType().GetField("_details", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(recorder)!;
        var slots = (SpanDetails?[])table.GetType().GetField("_slots", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(table)!;
        Assert.All(slots, Assert.Null);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("01")]
    public async Task ErrorPage_IsLeftOut_RequestIsDecidedByItsOwnEndpoint(string flags)
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseExceptionHandler("/error");
            app.UseStatusCodePagesWithReExecute("/error");
            app.UseRouting();
            app.MapGet("/throw", IResult () => throw new InvalidOperationException());
            app.MapGet("/error", () => "sorry").DisableTracing();
        });
        await service.GetAsync("/throw", $"traceparent: 00-{TraceId}-{SpanId}-{flags}");
        await service.GetAsync("/missing", $"traceparent: 00-{TraceId}-{SpanId}-{flags}");
        await service.StopAsync();
        var yes = flags == "01";
        Assert.Equal(yes ? 2 : 0, service.Sink.Spans.Count);
        Decisions.Assert(service.Services, (yes ? DecisionReason.CallerYes : DecisionReason.CallerNo, yes, 2));
    }

    [Fact]
    public async Task Requests_OfEveryKindAtOnce_AreCountedOnce()
    {
        var random = new Random(7);
        await using var server = new WireServer();
        var hook = 0;
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseExceptionHandler("/error");
            app.Use(async (context, next) =>
            {
                if (context.Request.Headers.ContainsKey("x-early")) Orders.StartActivity("early")?.Dispose();
                if (context.Request.Headers.ContainsKey("x-clear")) Activity.Current!.ActivityTraceFlags = ActivityTraceFlags.None;
                await next(context);
            });
            app.UseRouting();
            async Task Work(HttpContext context)
            {
                if (context.Request.Headers.ContainsKey("x-throw")) throw new InvalidOperationException();
                using (Orders.StartActivity("work")) await context.RequestServices.GetRequiredService<IHttpClientFactory>().CreateClient(context.Request.Headers.ContainsKey("x-stub") ? "stub" : "plain").GetAsync(server.Address);
            }
            app.MapGet("/off/{id}", Work).DisableTracing();
            app.MapGet("/always/{id}", Work);
            app.MapGet("/never/{id}", Work);
            app.MapGet("/restart/{id}", Work).WithTraceTrust(TraceTrust.Restart);
            app.MapGet("/limit/{id}", Work).WithTraceTrust(TraceTrust.TrustIdsOnly);
            app.MapGet("/limitoff/{id}", Work).WithTraceTrust(TraceTrust.TrustIdsOnly).DisableTracing();
            app.MapGet("/free/{id}", Work);
            app.MapGet("/error", () => "sorry");
        }, o =>
        {
            o.Sampling.Ratio = 0.5;
            o.Sampling.Rules.Add(SamplingRule.Parse("always override-caller route=/always/{id}"));
            o.Sampling.Rules.Add(SamplingRule.Parse("never override-caller route=/never/{id}"));
            o.Sampling.Rules.Add(SamplingRule.Parse("50/s path=/restart/*"));
            o.Ignore.Paths.Add("*/ignored");
            o.Ignore.Request = c => c.Request.Headers.ContainsKey("x-ignore");
            o.Export.BeforeExport = span => { if (Interlocked.Increment(ref hook) % 5 == 0) span.Drop(); };
        }, b =>
        {
            b.Services.AddHttpClient("stub").ConfigurePrimaryHttpMessageHandler(() => new StubHandler());
            b.Services.AddHttpClient("plain");
        });
        string[] paths = ["off", "always", "never", "restart", "limit", "limitoff", "free"];
        string[] headers = ["x-early: 1", "x-clear: 1", "x-throw: 1", "x-stub: 1", "x-ignore: 1"];
        var plans = Enumerable.Range(0, 600).Select(i =>
        {
            var list = headers.Where(_ => random.Next(5) == 0).ToList();
            var t = random.Next(6);
            var id = ActivityTraceId.CreateRandom();
            if (t < 2) list.Add($"traceparent: 00-{id}-{SpanId}-0{t}");
            if (t == 2) list.Add($"b3: {id}-{SpanId}-d");
            if (t == 3) list.Add($"b3: {id}-{SpanId}");
            if (t == 4) list.Add("b3: 0");
            return (Path: $"/{paths[random.Next(paths.Length)]}/{(random.Next(8) == 0 ? "ignored" : "x")}", Headers: list.ToArray());
        }).ToArray();
        await Parallel.ForEachAsync(plans, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (p, _) => await service.GetAsync(p.Path, p.Headers));
        await service.StopAsync();
        var metrics = service.Services.GetRequiredService<MeshTracing>().Instance.Metrics;
        var counts = metrics.ReadDecisions();
        Assert.Equal(600, counts.Recorded + counts.Refused);
        Assert.Equal(0, metrics.Live);
        Assert.Equal(metrics.Started, metrics.Ended + metrics.LeftOut);
        Assert.Equal(service.Sink.Spans.Count, (int)metrics.Ended);
        foreach (var r in Enum.GetValues<DecisionReason>()) foreach (var b in new[] { true, false }) Assert.True(metrics.Decisions(r, b) >= 0);
    }
}
