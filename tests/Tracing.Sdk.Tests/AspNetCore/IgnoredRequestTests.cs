using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>A request that is left out is invisible: no span of it or below it, and what came in goes out unchanged.</summary>
[Collection(Alone.Name)]
public sealed class IgnoredRequestTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private static readonly ActivitySource Orders = new("Orders.IgnoredRequestTests");

    private static readonly string[] Everything =
    [
        $"traceparent: 00-{TraceId}-{SpanId}-01", "tracestate: vendor=1,  other = x", "b3: not even valid", $"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {SpanId}",
        "X-B3-ParentSpanId: 05e3ac9a4f6e3b90", "X-B3-Sampled: 1", "baggage: user = 1 ;secret", "x-request-id: AbC-1", "x-client-trace-id: def",
    ];

    public static TheoryData<string> Ways => [.. IgnoreWay.All];
    public static TheoryData<string> EndpointWays => [.. IgnoreWay.AtEndpoint];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Request_Ignored_MakesNoSpanAndForwardsEverything(string way)
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync(way, () => CallAsync(server));
        await service.GetAsync(IgnoreWay.PathOf(way), Everything);
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Assert.Equal(way == "health checks with trust" ? [] : Everything.Select(Normalized).Order(), Sent(server));
        Assert.Equal("0 spans started, 0 exported, 0 dropped", service.Log.SpansOfLastLine);
        Assert.Equal(2, service.Log.OfTracing.Count);
        Decisions.Assert(service.Services, (IgnoreWay.Reason(way), false, 1));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Request_IgnoredWithoutHeaders_CallsCarryNone(string way)
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync(way, () => CallAsync(server));
        await service.GetAsync(IgnoreWay.PathOf(way));
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Assert.Empty(Sent(server));
        Decisions.Assert(service.Services, (IgnoreWay.Reason(way), false, 1));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Request_IgnoredAndUnsampled_ForwardsWhatCameInAndIsCountedAsIgnored(string way)
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync(way, () => CallAsync(server));
        // Routing has made its endpoints.
        await service.GetAsync("/none", "b3: 0");
        await service.GetAsync(IgnoreWay.PathOf(way), $"traceparent: 00-{TraceId}-{SpanId}-00");
        await service.StopAsync();

        Assert.Equal(way == "health checks with trust" ? [] : [$"traceparent: 00-{TraceId}-{SpanId}-00"], Sent(server));
        Decisions.Assert(service.Services, (IgnoreWay.Reason(way), false, 1), (DecisionReason.CallerNo, false, 1));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Request_OfAnotherPath_IsRecorded(string way)
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync(way, () => CallAsync(server));
        await service.GetAsync("/work", Everything);
        await service.StopAsync();

        Assert.Equal(["outer", "current", "GET", "GET /work"], service.Sink.Spans.Select(s => s.Name).OrderBy(n => Array.IndexOf(["outer", "current", "GET", "GET /work"], n)));
        Assert.Equal(service.Sink.Spans.Client().SpanId, server.Request["X-B3-SpanId"]);
    }

    // The context of a request must not stay with its connection.
    [Fact]
    public async Task Connection_RequestAfterAnIgnoredOne_IsRecorded()
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync("path", () => CallAsync(server));
        await WireClient.SendAsync(
            service.Address,
            [WireClient.Request(service.Address, "GET /ping", Everything), WireClient.Request(service.Address, "GET /work", "Connection: close")]);
        await service.StopAsync();

        Assert.Equal("GET /work", service.Sink.Spans.Server().Name);
        Assert.Null(service.Sink.Spans.Server().ParentId);
        Assert.Equal(service.Sink.Spans.Client().SpanId, server.Requests[1]["X-B3-SpanId"]);
    }

    // The first request builds the endpoints: their attributes are not known when it arrives.
    [Theory]
    [MemberData(nameof(EndpointWays))]
    public async Task Endpoint_MiddlewareMadeASpanBefore_StaysRecorded(string way)
    {
        await using var service = await IgnoreWay.StartAsync(way, () => Task.CompletedTask, use: app =>
        {
            app.Use((context, next) =>
            {
                Orders.StartActivity("middleware")?.Dispose();
                return next(context);
            });
            app.UseRouting();
        });
        await service.GetAsync(IgnoreWay.PathOf(way));
        await service.GetAsync(IgnoreWay.PathOf(way));
        await service.StopAsync();

        Assert.Equal(2, service.Sink.Spans.Count(s => s.Kind == "server"));
        Assert.Equal(2, service.Sink.Spans.Count(s => s.Name == "middleware" && s.ParentId is not null));
    }

    [Fact]
    public async Task Endpoint_CodeOutsideOfIt_IsLeftOutToo()
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync("endpoint", () => Task.CompletedTask, use: app => app.Use(async (context, next) =>
        {
            await next(context);
            await CallAsync(server);
        }));
        await service.GetAsync("/ping");
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Assert.Empty(Sent(server));
    }

    [Fact]
    public async Task HealthChecks_Off_AreRecorded()
    {
        await using var service = await IgnoreWay.StartAsync("health checks", () => Task.CompletedTask, o => o.Ignore.HealthChecks = false);
        await service.GetAsync("/ping");
        await service.StopAsync();

        Assert.Equal("GET /ping", service.Sink.Spans.Server().Name);
        Decisions.Assert(service.Services, (DecisionReason.Ratio, true, 1));
    }

    [Theory]
    [InlineData("/healthz", true)]
    [InlineData("/HealthZ", true)]
    [InlineData("/livez", true)]
    [InlineData("/readyz", true)]
    [InlineData("/grpc.health.v1.Health/Check", true)]
    [InlineData("/grpc.health.v1.Health/Watch", true)]
    [InlineData("/healthz/live", false)]
    [InlineData("/health", false)]
    [InlineData("/grpc.health.v1.Health/", false)]
    [InlineData("/", false)]
    public async Task Path_OfAHealthCheck_IsIgnored(string path, bool ignored)
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/{**path}", () => "ok"));
        await service.GetAsync(path);
        await service.StopAsync();

        Assert.Equal(ignored ? 0 : 1, service.Sink.Spans.Count);
        Decisions.Assert(service.Services, ignored ? (DecisionReason.HealthCheck, false, 1) : (DecisionReason.Ratio, true, 1));
    }

    [Theory]
    [InlineData("/shop/ping", true)]
    [InlineData("/ping", false)]
    public async Task Path_BelowABase_IsMatchedWithIt(string pattern, bool ignored)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/ping", () => "ok"), o => o.Ignore.Paths.Add(pattern), b => b.Services.AddTransient<Microsoft.AspNetCore.Hosting.IStartupFilter, BaseFilter>());
        await service.GetAsync("/shop/ping");
        await service.StopAsync();

        Assert.Equal(ignored ? 0 : 1, service.Sink.Spans.Count);
    }

    [Fact]
    public async Task Predicate_Throws_IgnoresNothingAndIsLoggedOnce()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Ignore.Request = _ => throw new InvalidOperationException("no answer today"));
        await service.GetAsync("/");
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Equal(2, service.Sink.Spans.Count);
        var line = Assert.Single(service.Log.Lines, l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning });
        Assert.Contains("no answer today", line.Message, StringComparison.Ordinal);
        Assert.Contains("Ignore:Request", line.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TraceTrust.Restart, null)]
    [InlineData(TraceTrust.TrustIdsOnly, "user = 1 ;secret")]
    public async Task Request_CallerIsNotTrusted_OnlyTheApplicationsHeadersGoOn(TraceTrust trust, string? baggage)
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync("path", () => CallAsync(server), o =>
        {
            o.Trust.Default = trust;
            o.Propagation.ForwardedHeaders.Add("x-tenant");
        });
        await service.GetAsync("/ping", [.. Everything, "x-tenant: acme"]);

        Assert.Equal(baggage is null ? ["x-tenant: acme"] : [$"baggage: {baggage}", "x-tenant: acme"], Sent(server));
    }

    // A reverse proxy copies what came in.
    [Fact]
    public async Task Request_CallerIsNotTrustedAndHeadersAreCopied_TheCopiesAreRemoved()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/ping", async (HttpContext context) =>
            {
                using var client = new HttpClient();
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                foreach (var name in new[] { "traceparent", "baggage", "x-request-id" }) request.Headers.TryAddWithoutValidation(name, context.Request.Headers[name].ToString());
                (await client.SendAsync(request)).Dispose();
            }),
            o =>
            {
                o.Ignore.Paths.Add("/ping");
                o.Trust.Default = TraceTrust.Restart;
            });
        await service.GetAsync("/ping", $"traceparent: 00-{TraceId}-{SpanId}-01", "baggage: user=1", "x-request-id: abc");

        Assert.Empty(Sent(server));
    }

    [Fact]
    public async Task Request_ForwardMode_IsAsBefore()
    {
        await using var server = new WireServer();
        await using var service = await IgnoreWay.StartAsync("path", () => CallAsync(server), o => o.Mode = MeshTracingMode.Forward);
        await service.GetAsync("/ping", Everything);

        Assert.Equal(Everything.Select(Normalized).Order(), Sent(server));
    }

    [Fact]
    public async Task Baggage_OfAnIgnoredRequest_IsReadByTheApplication()
    {
        string? user = null;
        await using var service = await IgnoreWay.StartAsync("path", () =>
        {
            user = Baggage.GetBaggage("user");
            return Task.CompletedTask;
        });
        await service.GetAsync("/ping", "baggage: user=1");

        Assert.Equal("1", user);
    }

    [Theory]
    [InlineData("path")]
    [InlineData("endpoint")]
    public async Task Message_OfAnIgnoredRequest_CarriesWhatCameIn(string way)
    {
        var carrier = new SortedDictionary<string, string>(StringComparer.Ordinal);
        TestService? service = null;
        await using var started = service = await IgnoreWay.StartAsync(way, () =>
        {
            var propagator = service!.Services.GetRequiredService<TextMapPropagator>();
            propagator.Inject(new PropagationContext(Activity.Current!.Context, Baggage.Current), carrier, static (c, name, value) => c[name] = value);
            return Task.CompletedTask;
        });
        await service.GetAsync("/ping", $"traceparent: 00-{TraceId}-{SpanId}-01", "x-request-id: abc");

        Assert.Equal([KeyValuePair.Create("traceparent", $"00-{TraceId}-{SpanId}-01")], carrier);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Work_OutlivesAnIgnoredRequest_IsRecordedAfterTheTimeout(bool late)
    {
        await using var server = new WireServer();
        var (work, resume) = (default(Task)!, new TaskCompletionSource());
        Activity? activity = null;
        await using var service = await IgnoreWay.StartAsync("path", () =>
        {
            activity = Activity.Current;
            work = WorkAsync();
            return Task.CompletedTask;

            async Task WorkAsync()
            {
                Activity.Current = null;
                await resume.Task;
                await CallAsync(server);
            }
        });
        await service.GetAsync("/ping", Everything);
        while (!activity!.IsStopped) await Task.Yield();
        if (late) activity.SetStartTime(DateTime.UtcNow.AddMinutes(-2)).SetEndTime(DateTime.UtcNow.AddSeconds(-61));
        resume.SetResult();
        await work;
        await service.StopAsync();

        Assert.Equal(late ? 3 : 0, service.Sink.Spans.Count);
        if (late) Assert.Equal(service.Sink.Spans.Client().SpanId, server.Request["X-B3-SpanId"]);
        else Assert.Equal(Everything.Select(Normalized).Order(), Sent(server));
    }

    [Fact]
    public async Task StartLine_Default_SaysThatHealthChecksAreIgnored()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));

        Assert.Contains("ignores health checks (default)", service.Log.OfTracing[0], StringComparison.Ordinal);
    }

    private static async Task CallAsync(WireServer server)
    {
        using (Orders.StartActivity("outer"))
        {
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        }

        var before = Activity.Current;
        Activity.Current = null;
        Orders.StartActivity("current")?.Dispose();
        Activity.Current = before;
    }

    private static IEnumerable<string> Sent(WireServer server) =>
        server.Requests[0].Headers.Where(h => h.Key != "Host").Select(h => Normalized($"{h.Key}: {h.Value}")).Order();

    private static string Normalized(string header) => header[..header.IndexOf(':', StringComparison.Ordinal)].ToLowerInvariant() + header[header.IndexOf(':', StringComparison.Ordinal)..];

    private sealed class BaseFilter : Microsoft.AspNetCore.Hosting.IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.UsePathBase("/shop");
            next(app);
        };
    }
}
