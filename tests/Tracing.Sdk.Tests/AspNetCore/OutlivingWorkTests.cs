using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>A loop that a request has started, and that calls another service every two minutes: nothing of the request goes with these calls.</summary>
[Collection(Alone.Name)]
public sealed class OutlivingWorkTests
{
    private static readonly ActivitySource Orders = new("Orders.OutlivingWorkTests");

    [Theory]
    [InlineData("01", "plain")]
    [InlineData("00", "plain")]
    [InlineData("01", "handler")]
    [InlineData("00", "handler")]
    public async Task Call_RequestEndedLongAgo_BeginsATrace(string flags, string client)
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        var (sent, spans) = await RunAsync(client, calls: 2, headers: $"traceparent: 00-{traceId}-b7ad6b7169203331-{flags}");

        Assert.Equal(3, sent.Select(TraceIdOf).Append(traceId).Distinct().Count());
        Assert.All(sent, request => Assert.Equal("1", request["X-B3-Sampled"]));
        var begun = spans.Where(s => s.Kind == "client").ToDictionary(s => s.TraceId);
        Assert.All(sent, request => Assert.Equal((request["X-B3-SpanId"], null), (begun[TraceIdOf(request)].SpanId, begun[TraceIdOf(request)].ParentId)));
    }

    [Fact]
    public async Task Call_RecordedRequestEndedLongAgo_HasALinkToIt()
    {
        var (_, spans) = await RunAsync("plain", calls: 1);

        var server = spans.Server();
        Assert.Equal($"{server.TraceId}-{server.SpanId}", Assert.Single(spans.Client().Links).Name);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("01")]
    public async Task Call_RequestEndedWithinTheTimeout_IsInItsTrace(string flags)
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        var (sent, _) = await RunAsync("plain", calls: 1, pause: TimeSpan.FromSeconds(50), headers: $"traceparent: 00-{traceId}-b7ad6b7169203331-{flags}");

        Assert.Equal((traceId, flags[1..]), (TraceIdOf(sent[0]), sent[0]["X-B3-Sampled"]));
    }

    [Theory]
    [InlineData("b3: 0")]
    [InlineData("X-B3-Flags: 1")]
    public async Task Call_DecisionWithoutIdsOfTheRequest_DoesNotGoOn(string header)
    {
        var (sent, spans) = await RunAsync("plain", calls: 1, headers: header);

        Assert.Equal(("1", null), (sent[0]["X-B3-Sampled"], sent[0]["X-B3-Flags"]));
        Assert.Null(spans.Client().ParentId);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("handler")]
    public async Task Call_IgnoredRequestEndedLongAgo_BeginsATrace(string client)
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        var (sent, spans) = await RunAsync(client, calls: 1, options: o => o.Ignore.Paths.Add("/"), headers: $"traceparent: 00-{traceId}-b7ad6b7169203331-01");

        Assert.NotEqual(traceId, TraceIdOf(sent[0]));
        var span = Assert.Single(spans);
        Assert.Equal((TraceIdOf(sent[0]), "client", null), (span.TraceId, span.Kind, span.ParentId));
    }

    [Fact]
    public async Task Call_IgnoredRequestEndedWithinTheTimeout_IsIgnored()
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        var (sent, spans) = await RunAsync("plain", calls: 1, pause: TimeSpan.FromSeconds(50), options: o => o.Ignore.Paths.Add("/"), headers: $"traceparent: 00-{traceId}-b7ad6b7169203331-01");

        Assert.Equal($"00-{traceId}-b7ad6b7169203331-01", sent[0]["traceparent"]);
        Assert.Empty(spans);
    }

    [Fact]
    public async Task Call_SourceBeginsNoTrace_IsRefused()
    {
        var (sent, spans) = await RunAsync("plain", calls: 1, options: o => o.Ignore.RootSources.Add("System.Net.Http"));

        Assert.Equal("0", sent[0]["X-B3-Sampled"]);
        Assert.Equal("server", Assert.Single(spans).Kind);
    }

    [Fact]
    public async Task Call_HeadersOfTheRequest_DoNotGoOn()
    {
        var requestId = Guid.NewGuid().ToString();
        var (sent, _) = await RunAsync("plain", calls: 1, headers: [$"x-request-id: {requestId}", "x-client-trace-id: client", "x-tenant: acme", "tracestate: vendor=1", "baggage: user=7"]);

        Assert.NotEqual(requestId, sent[0]["x-request-id"]);
        Assert.Equal((null, null, null), (sent[0]["x-client-trace-id"], sent[0]["x-tenant"], sent[0]["baggage"]));
        Assert.DoesNotContain("vendor", sent[0]["tracestate"] ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_BaggageThatCodeHasSet_GoesOn()
    {
        var (sent, _) = await RunAsync("plain", calls: 1, start: () => Baggage.SetBaggage("job", "prices"), headers: "baggage: user=7");

        Assert.Equal("job=prices", sent[0]["baggage"]);
    }

    // The value that holds the baggage of a request is shared by all that the request has started.
    [Fact]
    public async Task Baggage_OfOtherWorkOfTheRequest_Stays()
    {
        var go = new TaskCompletionSource();
        Task<string?>? other = null;
        await RunAsync(
            "plain",
            calls: 1,
            start: () => other = Task.Run(async () =>
            {
                await go.Task;
                return Baggage.GetBaggage("user");
            }),
            headers: "baggage: user=7");
        go.SetResult();

        Assert.Equal("7", await other!);
    }

    [Fact]
    public async Task Span_OfALoopInTheRequest_LeavesItsContextForTheWholeLoop()
    {
        var (sent, spans) = await RunAsync("span", calls: 2, headers: ["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "x-tenant: acme"]);

        var rounds = spans.Where(s => s.Scope == Orders.Name).ToList();
        Assert.Equal([null, null], rounds.Select(s => s.ParentId));
        Assert.Equal(rounds.Select(s => s.TraceId), sent.Select(TraceIdOf));
        Assert.All(sent, request => Assert.Null(request["x-tenant"]));
    }

    private static string TraceIdOf(WireMessage request) => request["X-B3-TraceId"]!;

    private static async Task<(IReadOnlyList<WireMessage> Sent, IReadOnlyList<Span> Spans)> RunAsync(
        string kind, int calls, TimeSpan? pause = null, Action? start = null, Action<MeshTracingOptions>? options = null, params string[] headers)
    {
        await using var server = new WireServer();
        using var go = new SemaphoreSlim(0);
        Activity? request = null;
        Task? loop = null;
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () =>
            {
                request = Activity.Current;
                start?.Invoke();
                loop = LoopAsync();
            }),
            o =>
            {
                o.Propagation.ForwardedHeaders.Add("x-tenant");
                options?.Invoke(o);
            });
        await service.GetAsync("/", headers);
        Assert.True(SpinWait.SpinUntil(() => request!.IsStopped && request.Duration > TimeSpan.Zero, TimeSpan.FromSeconds(30)));
        var end = DateTime.UtcNow - (pause ?? TimeSpan.FromMinutes(2));
        request!.SetStartTime(end.AddSeconds(-1)).SetEndTime(end);
        go.Release();
        await loop!;
        await service.StopAsync();
        return (server.Requests, service.Sink.Spans);

        async Task LoopAsync()
        {
            await go.WaitAsync();
            using var client = kind == "handler" ? new HttpClient(new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null })) : new HttpClient();
            for (var i = 0; i < calls; i++)
            {
                using var round = kind == "span" ? Orders.StartActivity("round") : null;
                (await client.GetAsync(server.Address)).Dispose();
            }
        }
    }
}
