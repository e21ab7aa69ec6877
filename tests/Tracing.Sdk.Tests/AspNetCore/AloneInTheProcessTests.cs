using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>A service that is alone in its process, as nearly all are: its requests need no context that names their owner.</summary>
[Collection(Alone.Name)]
public sealed class AloneInTheProcessTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    [Fact]
    public async Task Request_WithoutContext_IsOneTree()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => CallAsync(server)));
        await service.GetAsync("/");
        await service.StopAsync();
        var spans = service.Sink.Spans;

        Assert.Equal(["GET", "GET /"], spans.Select(s => s.Name));
        Assert.Null(spans.Server().ParentId);
        Assert.Equal(spans.Server().SpanId, spans.Client().ParentId);
        Assert.Equal(spans.Client().SpanId, server.Request["X-B3-SpanId"]);
        Assert.Equal('9', server.Request["x-request-id"]![14]);
    }

    [Fact]
    public async Task Request_AfterOneWithContextOnTheSameConnection_KnowsNothingOfIt()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => CallAsync(server)));
        await WireClient.SendAsync(service.Address, [
            WireClient.Request(service.Address, "GET /"),
            WireClient.Request(service.Address, "GET /", $"b3: {TraceId}-{SpanId}-d", "x-request-id: first", "baggage: user=1"),
            WireClient.Request(service.Address, "GET /"),
            WireClient.Request(service.Address, "GET /", "b3: 0"),
            WireClient.Request(service.Address, "GET /", "Connection: close"),
        ]);
        await service.StopAsync();
        var spans = service.Sink.Spans;

        Assert.Equal([null, "first", null, null, null], server.Requests.Select(r => r["x-request-id"] == "first" ? "first" : null));
        Assert.Equal([null, "user=1", null, null, null], server.Requests.Select(r => r["baggage"]));
        Assert.Equal([null, "1", null, null, null], server.Requests.Select(r => r["X-B3-Flags"]));
        Assert.Equal(["1", "1", "1", "0", "1"], server.Requests.Select(r => r["X-B3-Sampled"]));
        Assert.Equal([null, SpanId, null, null], spans.Where(s => s.Kind == "server").Select(s => s.ParentId));
        Assert.Equal(4, spans.Select(s => s.TraceId).Distinct().Count());
    }

    [Fact]
    public async Task Request_WhileASecondHostStarts_StaysWithItsOwn()
    {
        await using var server = new WireServer();
        TestService? second = null;
        await using var first = await TestService.StartAsync(app => app.MapGet("/", async () =>
        {
            second = await TestService.StartAsync(other => other.MapGet("/", () => "ok"));
            await CallAsync(server);
        }));
        await first.GetAsync("/");
        await first.StopAsync();
        await second!.StopAsync();
        await second.DisposeAsync();

        Assert.Equal(["GET", "GET /"], first.Sink.Spans.Select(s => s.Name));
        Assert.Empty(second.Sink.Spans);
        Assert.Equal(first.Sink.Spans.Client().SpanId, server.Request["X-B3-SpanId"]);
    }

    [Fact]
    public async Task OpenTelemetryBesideUs_RecordsEverything_SeesItsSpansAndChangesNothing()
    {
        var seen = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "System.Net.Http",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = seen.Add,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => CallAsync(server)));
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-01");
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-00");
        await service.StopAsync();

        Assert.Equal(["GET", "GET /"], service.Sink.Spans.Select(s => s.Name));
        Assert.Equal(["1", "0"], server.Requests.Select(r => r["X-B3-Sampled"]));
        Assert.NotEqual(SpanId, server.Requests[1]["X-B3-SpanId"]);
        Assert.Equal($"00-{TraceId}-{server.Requests[1]["X-B3-SpanId"]}-00", server.Requests[1]["traceparent"]);
        Assert.Equal(4, seen.Count);
        Assert.Equal("GET /", seen[1].DisplayName);
    }

    [Fact]
    public void Propagator_OfTheProcess_ReadsWhatItWrites()
    {
        var headers = new Dictionary<string, string> { ["b3"] = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", ["baggage"] = "a=1,b=%20" };
        using var tracing = new ServiceCollection().AddMeshTracing().BuildServiceProvider();
        DistributedContextPropagator.PropagatorGetterCallback getter = static (object? carrier, string name, out string? value, out IEnumerable<string>? values) =>
        {
            values = null;
            ((Dictionary<string, string>)carrier!).TryGetValue(name, out value);
        };
        DistributedContextPropagator.Current.ExtractTraceIdAndState(headers, getter, out var traceParent, out _);
        var baggage = DistributedContextPropagator.Current.ExtractBaggage(headers, getter);

        Assert.Equal("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", traceParent);
        Assert.Equal([KeyValuePair.Create("a", (string?)"1"), KeyValuePair.Create("b", (string?)" ")], baggage);
    }

    private static async Task CallAsync(WireServer server)
    {
        using var client = new HttpClient();
        (await client.GetAsync(server.Address)).Dispose();
    }
}
