using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>The trust in a caller, by every way to set it.</summary>
// Alone in the process: a request to a service without tracing belongs to every tracing that is live.
[Collection(Alone.Name)]
public sealed class TrustTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";
    private const string Sampled = $"traceparent: 00-{TraceId}-{SpanId}-01";
    private const string Unsampled = $"traceparent: 00-{TraceId}-{SpanId}-00";
    private const string Debug = $"b3: {TraceId}-{SpanId}-d";

    public static TheoryData<string> Ways => [.. TrustWay.All];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Restart_SampledCaller_IsANewTraceWithALink(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.Restart, [Sampled, "baggage: user=1", "x-request-id: abc"]);

        var server = spans.Server();
        Assert.Null(server.ParentId);
        Assert.NotEqual(TraceId, server.TraceId);
        Assert.Equal(("GET /orders", "/orders", 200L), (server.Name, server.Tag("http.route"), server.Tag("http.response.status_code")));
        Assert.Equal(3, server.Flags & 0xFF);
        var link = Assert.Single(server.Links);
        Assert.Equal($"{TraceId}-{SpanId}", link.Name);
        Assert.Equal(("restarted", "w3c"), (link.Tags["reason"], link.Tags["format"]));
        Assert.Equal(server.SpanId, spans.Client().ParentId);
        Assert.Equal((server.TraceId, spans.Client().SpanId), (sent["X-B3-TraceId"], sent["X-B3-SpanId"]));
        Assert.Null(sent["baggage"]);
        Assert.NotEqual("abc", sent["x-request-id"]);
        Assert.DoesNotContain(spans, s => s.TraceId == TraceId);
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Restart_UnsampledCaller_IsOurOwnDecision(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.Restart, [Unsampled]);

        Assert.Null(spans.Server().ParentId);
        Assert.Equal("GET /orders", spans.Server().Name);
        Assert.Equal("1", sent["X-B3-Sampled"]);
        Assert.Single(spans.Server().Links);
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Restart_DebugCaller_IsNoDebugTrace(string way)
    {
        var (spans, sent, _) = await CallAsync(way, TraceTrust.Restart, [Debug]);

        Assert.Null(spans.Server().ParentId);
        Assert.Null(sent["X-B3-Flags"]);
        Assert.Equal("b3", Assert.Single(spans.Server().Links).Tags["format"]);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Restart_RefusedByOurSampler_LeavesNoSpanAndSaysSo(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.Restart, [Sampled], o => o.Sampling.Ratio = 0);

        Assert.Empty(spans);
        Assert.Equal("0", sent["X-B3-Sampled"]);
        Assert.NotEqual(TraceId, sent["X-B3-TraceId"]);
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Restart_RequestWithoutHeaders_ChangesNothing(string way)
    {
        var (spans, _, log) = await CallAsync(way, TraceTrust.Restart, []);

        Assert.Equal(("GET /orders", "Microsoft.AspNetCore"), (spans.Server().Name, spans.Server().Scope));
        Assert.Empty(spans.Server().Links);
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Restart_OnlyBaggageCameIn_DropsIt(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.Restart, ["baggage: user=1"]);

        Assert.Null(sent["baggage"]);
        Assert.Equal("GET /orders", spans.Server().Name);
        Assert.Empty(spans.Server().Links);
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TrustIdsOnly_SampledCallerRefusedByOurSampler_KeepsIdsAndDenies(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.TrustIdsOnly, [Sampled, "baggage: user=1"], o => o.Sampling.Ratio = 0);

        Assert.Empty(spans);
        Assert.Equal((TraceId, SpanId, "0"), (sent["X-B3-TraceId"], sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        Assert.Equal("user=1", sent["baggage"]);
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TrustIdsOnly_UnsampledCallerTakenByOurSampler_IsRecordedWhole(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.TrustIdsOnly, [Unsampled]);

        var server = spans.Server();
        Assert.Equal((TraceId, SpanId, "GET /orders"), (server.TraceId, server.ParentId, server.Name));
        Assert.Equal((200L, "/orders"), (server.Tag("http.response.status_code"), server.Tag("url.path")));
        Assert.Equal((spans.Client().SpanId, "1"), (sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        AssertBalanced(log);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task TrustIdsOnly_DebugCaller_IsNoDebugTrace(string way)
    {
        var (spans, sent, log) = await CallAsync(way, TraceTrust.TrustIdsOnly, [Debug]);

        Assert.Equal(SpanId, spans.Server().ParentId);
        Assert.Equal("1", sent["X-B3-Sampled"]);
        Assert.Null(sent["X-B3-Flags"]);
        Assert.Equal($"mesh=p:{spans.Client().SpanId}", sent["tracestate"]);
        AssertBalanced(log);
    }

    [Fact]
    public async Task Restart_ByEndpointThatThrows_RecordsTheExceptionInTheNewTrace()
    {
        await using var service = await TestService.StartAsync(app =>
            app.MapGet("/", string () => throw new InvalidOperationException("no such table")).WithTraceTrust(TraceTrust.Restart));
        await service.GetAsync("/", Sampled);
        await service.StopAsync();

        var span = Assert.Single(service.Sink.Spans, s => s.Scope == "Tracing.Sdk.AspNetCore" && s.Links.Any(l => l.Name == $"{TraceId}-{SpanId}"));
        Assert.Equal(("error", "System.InvalidOperationException"), (span.Status, span.Tag("error.type")));
        Assert.Equal(500L, span.Tag("http.response.status_code"));
    }

    [Fact]
    public async Task Endpoint_OthersOfTheSameService_GoOnAsTheyWere()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.MapGet("/hooks", () => "ok").WithTraceTrust(TraceTrust.Restart);
            app.MapGet("/orders", () => "ok");
        });
        await service.GetAsync("/orders", Sampled);

        Assert.Equal(SpanId, (await service.StopAsync()).Server().ParentId);
    }

    [Fact]
    public async Task Endpoint_ThatTrusts_DoesNotOverruleTheService()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/orders", () => "ok").WithTraceTrust(TraceTrust.Trust), o => o.Trust.Default = TraceTrust.Restart);
        await service.GetAsync("/orders", Sampled);

        Assert.Null((await service.StopAsync()).Server().ParentId);
    }

    [Theory]
    [InlineData(TraceTrust.Restart, TraceTrust.Trust, false)]
    [InlineData(TraceTrust.Restart, TraceTrust.TrustIdsOnly, false)]
    [InlineData(TraceTrust.Trust, TraceTrust.Restart, true)]
    [InlineData(TraceTrust.TrustIdsOnly, TraceTrust.Restart, true)]
    [InlineData(TraceTrust.Restart, null, true)]
    public async Task Endpoint_InAGroup_SaysMoreThanItsGroup(TraceTrust group, TraceTrust? endpoint, bool restarts)
    {
        TestService service = null!;
        await using var started = service = await TestService.StartAsync(app =>
        {
            var route = app.MapGroup("").WithTraceTrust(group).MapGet("/orders", () => service.Note());
            if (endpoint is { } trust) route.WithTraceTrust(trust);
        });
        await service.GetAsync("/orders", Sampled);

        Assert.Equal(restarts, (await service.StopAsync()).Server().ParentId is null);
    }

    [Fact]
    public async Task Endpoint_InGroupsOfGroups_TheNearestGroupCounts()
    {
        await using var service = await TestService.StartAsync(app =>
            app.MapGroup("").WithTraceTrust(TraceTrust.Restart).MapGroup("").WithTraceTrust(TraceTrust.Trust).MapGet("/orders", () => "ok"));
        await service.GetAsync("/orders", Sampled);

        Assert.Equal(SpanId, (await service.StopAsync()).Server().ParentId);
    }

    [Fact]
    public async Task Endpoint_SaidTwice_TheLastCounts()
    {
        await using var service = await TestService.StartAsync(app =>
            app.MapGet("/orders", () => "ok").WithTraceTrust(TraceTrust.Restart).WithTraceTrust(TraceTrust.Trust));
        await service.GetAsync("/orders", Sampled);

        Assert.Equal(SpanId, (await service.StopAsync()).Server().ParentId);
    }

    // The service trusts ids only; the endpoint trusts less.
    [Fact]
    public async Task Endpoint_ThatRestartsWhatIsTrustedForItsIds_Restarts()
    {
        TestService service = null!;
        await using var started = service = await TestService.StartAsync(
            app => app.MapGet("/orders", () => service.Note()).WithTraceTrust(TraceTrust.Restart), o => o.Trust.Default = TraceTrust.TrustIdsOnly);
        await service.GetAsync("/orders", Sampled, "baggage: user=1");

        var server = (await service.StopAsync()).Server();
        Assert.Null(server.ParentId);
        Assert.Equal($"{TraceId}-{SpanId}", Assert.Single(server.Links).Name);
    }

    [Fact]
    public async Task Restart_ByEndpoint_KeepsTheBaggageThatMiddlewareAdded()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                Baggage.SetBaggage("open", "1");
                Baggage.SetBaggage("user", "mine");
                System.Diagnostics.Activity.Current!.AddBaggage("platform", "2");
                return next(context);
            });
            app.MapGet("/", async () =>
            {
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            }).WithTraceTrust(TraceTrust.Restart);
        });
        await service.GetAsync("/", Sampled, "baggage: user=1,evil=1");

        Assert.Equal(["open=1", "platform=2", "user=mine"], server.Request["baggage"]!.Split(',').Order());
    }

    // A gateway may give requests an id of its own before it knows the endpoint.
    [Fact]
    public async Task Restart_ByEndpoint_KeepsTheRequestIdThatMiddlewareSet()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                context.Request.Headers["x-request-id"] = "gateway";
                return next(context);
            });
            app.MapGet("/", async (HttpContext context) =>
            {
                using var client = new HttpClient();
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                request.Headers.Add("x-request-id", context.Request.Headers["x-request-id"].ToString());
                (await client.SendAsync(request)).Dispose();
            }).WithTraceTrust(TraceTrust.Restart);
        });
        await service.GetAsync("/", Sampled, "x-request-id: stranger");

        Assert.Equal("gateway", server.Request["x-request-id"]);
    }

    // An error handler and the rest of a middleware run outside of the endpoint, after it.
    [Theory]
    [InlineData(TraceTrust.Restart, 1)]
    [InlineData(TraceTrust.Restart, 0)]
    [InlineData(TraceTrust.TrustIdsOnly, 1)]
    [InlineData(TraceTrust.TrustIdsOnly, 0)]
    public async Task Endpoint_CallsOfAnErrorHandlerAfterIt_CarryNoDecisionOfTheCallers(TraceTrust trust, double ratio)
    {
        await using var server = new WireServer();
        async Task CallAsync(HttpContext context)
        {
            using var client = new HttpClient();
            using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
            request.Headers.TryAddWithoutValidation("traceparent", context.Request.Headers.TraceParent.ToString());
            request.Headers.TryAddWithoutValidation("baggage", context.Request.Headers.Baggage.ToString());
            (await client.SendAsync(request)).Dispose();
        }

        TestService service = null!;
        await using var started = service = await TestService.StartAsync(
            app =>
            {
                app.Use(async (context, next) =>
                {
                    await next(context);
                    await CallAsync(context);
                });
                app.UseExceptionHandler(error => error.Run(CallAsync));
                app.MapGet("/", void () =>
                {
                    service.Note();
                    throw new InvalidOperationException("no such table");
                }).WithTraceTrust(trust);
            },
            o => o.Sampling.Ratio = ratio);
        await service.GetAsync("/", ratio == 1 ? Unsampled : Sampled, "x-request-id: 7f0cd1e2-3a4b-bc5d-8e6f-112233445566", "baggage: user=1");
        await service.StopAsync();

        Assert.Equal(2, server.Requests.Count);
        Assert.All(server.Requests, r => Assert.Equal(ratio == 1 ? ("1", '9') : ("0", '4'), (r["X-B3-Sampled"], r["x-request-id"]![14])));
        Assert.All(server.Requests, r => Assert.Equal(trust == TraceTrust.TrustIdsOnly, r["X-B3-TraceId"] == TraceId));
        Assert.All(server.Requests, r => Assert.Equal(trust == TraceTrust.TrustIdsOnly ? "user=1" : null, r["baggage"]));
        // Both name a trace that the service belongs to.
        Assert.All(server.Requests, r => Assert.Contains(r["X-B3-TraceId"]!, service.Traces));
    }

    // What another tracer would follow is refused in whatever format it comes, also where that is not read.
    [Theory]
    [InlineData("tracecontext", $"b3: {TraceId}-{SpanId}-d")]
    [InlineData("tracecontext", "b3: 0")]
    [InlineData("b3multi", Sampled)]
    [InlineData("none", Sampled)]
    [InlineData("none", "baggage: user=1")]
    public async Task Restart_FormatThatIsNotRead_IsNotCopiedInsideEither(string propagators, string header)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var client = new HttpClient();
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]);
                (await client.SendAsync(request)).Dispose();
            }),
            o =>
            {
                o.Trust.Default = TraceTrust.Restart;
                o.Propagation.Formats.Clear();
                o.Propagation.Formats.Add(propagators);
            });
        await service.GetAsync("/", header);

        Assert.DoesNotContain(server.Request.Headers, h => $"{h.Key}: {h.Value}" == header);
    }

    [Theory]
    [InlineData("Restart 127.0.0.0/8", true)]
    [InlineData("Restart 10.0.0.0/8", false)]
    [InlineData("Trust 127.0.0.0/8|Restart 0.0.0.0/0", false)]
    [InlineData("Restart ::/0", false)]
    public async Task Rule_ByNetwork_LooksAtThePeer(string rules, bool restarts)
    {
        Assert.Equal(restarts, await IsRestartedAsync(rules));
    }

    [Theory]
    [InlineData("Restart external", "x-envoy-external-address: 203.0.113.9", true)]
    [InlineData("Restart external", "x-envoy-internal: true", false)]
    [InlineData("Restart internal", "x-envoy-internal: true", true)]
    [InlineData("Restart internal", "x-envoy-internal: false", false)]
    [InlineData("Restart internal", "x-other: true", false)]
    public async Task Rule_ByEnvoysWord_LooksAtItsHeaders(string rules, string header, bool restarts)
    {
        Assert.Equal(restarts, await IsRestartedAsync(rules, header));
    }

    [Fact]
    public async Task Rule_OtherEnvoyPrefix_LooksAtThoseHeaders()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o =>
            {
                o.Http.EnvoyHeaderPrefix = "x-foo";
                o.Trust.Rules.Add(TrustRule.Parse("Restart external"));
            });
        await service.GetAsync("/", Sampled, "x-foo-external-address: 203.0.113.9");

        Assert.Null((await service.StopAsync()).Server().ParentId);
    }

    [Theory]
    [InlineData("By=spiffe://cluster.local/ns/me/sa/x;Hash=abc;Subject=\"\";URI=spiffe://cluster.local/ns/shop/sa/api", true)]
    [InlineData("Hash=abc;URI=\"spiffe://cluster.local/ns/shop/sa/api\"", true)]
    [InlineData("Hash=abc;Subject=\"CN=a,O=b;c\";uri=spiffe://cluster.local/ns/shop/sa/api", true)]
    [InlineData("URI=spiffe://cluster.local/ns/other/sa/api,Hash=b;URI=spiffe://cluster.local/ns/shop/sa/api", true)]
    [InlineData("URI=spiffe://cluster.local/ns/shop/sa/api,Hash=b;URI=spiffe://cluster.local/ns/other/sa/api", false)]
    [InlineData("URI=spiffe://cluster.local/ns/shop/sa/api,Subject=\"x,URI=spiffe://a\";URI=spiffe://cluster.local/ns/other/x", false)]
    [InlineData("By=spiffe://cluster.local/ns/shop/sa/api", false)]
    [InlineData("Subject=\"URI=spiffe://cluster.local/ns/shop/sa/api\"", false)]
    [InlineData("URI=", false)]
    [InlineData("", false)]
    public async Task Rule_BySpiffe_LooksAtThePeersIdentity(string header, bool restarts)
    {
        Assert.Equal(restarts, await IsRestartedAsync("Restart spiffe://cluster.local/ns/shop/*", "x-forwarded-client-cert: " + header));
    }

    // What the caller's certificate says never becomes its name, and a header that cannot be read earns the least trust of all.
    [Theory]
    [InlineData("By=spiffe://a/ns/shop/sa/api;Hash=a7;Subject=\"CN=x\\\"\\;URI=spiffe://cluster.local/ns/shop/sa/web\\;Y=\\\"\";URI=spiffe://cluster.local/ns/evil/sa/x", TraceTrust.TrustIdsOnly, TraceTrust.TrustIdsOnly)]
    [InlineData("Subject=\"CN=5\\\" pipe\";URI=spiffe://cluster.local/ns/shop/sa/web", TraceTrust.Restart, TraceTrust.Trust)]
    [InlineData("Subject=\"CN=5\\\" pipe\";URI=spiffe://cluster.local/ns/evil/sa/x", TraceTrust.Restart, TraceTrust.Restart)]
    [InlineData("Subject=\"CN=x;URI=spiffe://cluster.local/ns/shop/sa/web", TraceTrust.Trust, TraceTrust.Restart)]
    [InlineData("URI=spiffe://cluster.local/ns/shop/sa/web;URI=spiffe://cluster.local/ns/shop/sa/api", TraceTrust.Trust, TraceTrust.Restart)]
    [InlineData("garbage", TraceTrust.Trust, TraceTrust.Restart)]
    [InlineData("garbage|URI=spiffe://cluster.local/ns/shop/sa/web", TraceTrust.Trust, TraceTrust.Restart)]
    [InlineData("URI=spiffe://cluster.local/ns/shop/sa/web|Hash=a;URI=spiffe://cluster.local/ns/evil/sa/x", TraceTrust.TrustIdsOnly, TraceTrust.TrustIdsOnly)]
    [InlineData("", TraceTrust.TrustIdsOnly, TraceTrust.TrustIdsOnly)]
    public async Task Rule_BySpiffe_ForgedOrUnreadableHeader_EarnsNoTrust(string fields, TraceTrust @default, TraceTrust expected)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o =>
            {
                o.Trust.Default = @default;
                o.Trust.Rules.Add(TrustRule.Parse("Trust spiffe://cluster.local/ns/shop/*"));
                o.Trust.Rules.Add(TrustRule.Parse("Restart spiffe://cluster.local/ns/worst/*"));
                // Only a trusted caller's flag records.
                o.Sampling.Ratio = 0;
            });
        await service.GetAsync("/", [Sampled, .. fields.Split('|').Select(f => "x-forwarded-client-cert: " + f)]);
        var isRecorded = (await service.StopAsync()).Count > 0;

        Assert.Equal(expected, isRecorded ? TraceTrust.Trust : service.Traces.Single() == TraceId ? TraceTrust.TrustIdsOnly : TraceTrust.Restart);
    }

    [Fact]
    public async Task Rule_BySpiffeExactly_FitsNoLongerName()
    {
        Assert.True(await IsRestartedAsync("Restart spiffe://a/b", "x-forwarded-client-cert: URI=spiffe://a/b"));
        Assert.False(await IsRestartedAsync("Restart spiffe://a/b", "x-forwarded-client-cert: URI=spiffe://a/bc"));
    }

    [Fact]
    public async Task Rule_FirstThatFits_Decides()
    {
        Assert.False(await IsRestartedAsync("Trust internal|Restart external", "x-envoy-internal: true", "x-envoy-external-address: 1.2.3.4"));
        Assert.True(await IsRestartedAsync("Restart external|Trust internal", "x-envoy-internal: true", "x-envoy-external-address: 1.2.3.4"));
    }

    [Fact]
    public async Task DeferUnsampledParent_UnsampledCaller_IsDecidedByUs()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Sampling.DeferUnsampledParent = true);
        await service.GetAsync("/", Unsampled);

        Assert.Equal(SpanId, (await service.StopAsync()).Server().ParentId);
    }

    [Fact]
    public async Task DeferUnsampledParent_DenyWithoutIds_IsStillDenied()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Sampling.DeferUnsampledParent = true);
        await service.GetAsync("/", "b3: 0");

        Assert.Empty(await service.StopAsync());
    }

    [Theory]
    [InlineData(Sampled)]
    [InlineData(Debug)]
    [InlineData("b3: 1")]
    public async Task MaxForcedTraces_Reached_LeavesTheRestToOurSampler(string header)
    {
        var time = new FakeTimeProvider();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/{n}", (int n) => n),
            o => (o.Trust.MaxForcedTracesPerSecond, o.Sampling.Ratio) = (2, 0),
            b => b.Services.AddSingleton<TimeProvider>(time));
        for (var i = 0; i < 5; i++) await service.GetAsync($"/{i}", header);
        time.Advance(TimeSpan.FromSeconds(0.5));
        for (var i = 5; i < 8; i++) await service.GetAsync($"/{i}", header);
        time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 8; i < 12; i++) await service.GetAsync($"/{i}", header);
        var spans = await service.StopAsync();

        Assert.Equal(["/0", "/1", "/5", "/8", "/9"], spans.Select(s => s.Tag("url.path")));
    }

    [Fact]
    public async Task MaxForcedTraces_Reached_NoOtherWordOfTheCallersForcesEither()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async (HttpContext context) =>
            {
                using var client = new HttpClient();
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                request.Headers.TryAddWithoutValidation("b3", context.Request.Headers["b3"].ToString());
                (await client.SendAsync(request)).Dispose();
            }),
            o => (o.Trust.MaxForcedTracesPerSecond, o.Sampling.Ratio) = (1, 0),
            b => b.Services.AddSingleton<TimeProvider>(new FakeTimeProvider()));
        for (var i = 0; i < 2; i++) await service.GetAsync("/", "b3: 1", "x-request-id: 7f0cd1e2-3a4b-bc5d-8e6f-112233445566", "x-client-trace-id: mine");

        Assert.Equal(["1", "0"], server.Requests.Select(r => r["X-B3-Sampled"]));
        Assert.Equal(["7f0cd1e2-3a4b-bc5d-8e6f-112233445566", "7f0cd1e2-3a4b-4c5d-8e6f-112233445566"], server.Requests.Select(r => r["x-request-id"]));
        Assert.Equal(["mine", null], server.Requests.Select(r => r["x-client-trace-id"]));
        Assert.All(server.Requests, r => Assert.Null(r["b3"]));
    }

    [Fact]
    public async Task MaxForcedTraces_Unsampled_TakesNoPlace()
    {
        var time = new FakeTimeProvider();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/{n}", (int n) => n),
            o => (o.Trust.MaxForcedTracesPerSecond, o.Sampling.Ratio) = (1, 0),
            b => b.Services.AddSingleton<TimeProvider>(time));
        for (var i = 0; i < 3; i++) await service.GetAsync($"/{i}", Unsampled);
        await service.GetAsync("/3");
        await service.GetAsync("/4", Sampled);

        Assert.Equal("/4", (await service.StopAsync()).Server().Tag("url.path"));
    }

    private static void AssertBalanced(LogCollector log)
    {
        var line = Assert.Single(log.OfTracing, l => l.StartsWith("Tracing stopped:", StringComparison.Ordinal));
        var numbers = System.Text.RegularExpressions.Regex.Match(line, @"(\d+) spans started, (\d+) exported, (\d+) dropped");
        Assert.True(numbers.Success, line);
        Assert.Equal((Number(1), 0), (Number(2), Number(3)));
        Assert.DoesNotContain(log.Lines, l => l.Category == "Tracing.Sdk" && l.Level > LogLevel.Information);
        Assert.DoesNotContain("not ended", line, StringComparison.Ordinal);

        int Number(int group) => int.Parse(numbers.Groups[group].Value);
    }

    private static async Task<bool> IsRestartedAsync(string rules, params string[] headers)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o =>
            {
                foreach (var rule in rules.Split('|')) o.Trust.Rules.Add(TrustRule.Parse(rule));
            });
        await service.GetAsync("/", [Sampled, .. headers]);
        return (await service.StopAsync()).Server().ParentId is null;
    }

    private static async Task<(IReadOnlyList<Span> Spans, WireMessage Sent, LogCollector Log)> CallAsync(
        string way, TraceTrust trust, string[] headers, Action<MeshTracingOptions>? options = null)
    {
        await using var server = new WireServer();
        TestService service = null!;
        await using var started = service = await TrustWay.StartAsync(
            way,
            trust,
            async _ =>
            {
                service.Note();
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            },
            options);
        Assert.Equal(200, (await TrustWay.CallAsync(service, headers)).Status);
        return (await service.StopAsync(), server.Request, service.Log);
    }
}
