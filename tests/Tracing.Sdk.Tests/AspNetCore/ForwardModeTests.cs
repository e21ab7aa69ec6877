using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Nothing is recorded and nothing exported; what came in goes out as it came.</summary>
[Collection(Alone.Name)]
public sealed class ForwardModeTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private static readonly string[] Everything =
    [
        $"traceparent: 00-{TraceId}-{SpanId}-01", "tracestate: vendor=1,  other = x", "b3: not even valid", $"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {SpanId}",
        "X-B3-ParentSpanId: 05e3ac9a4f6e3b90", "X-B3-Sampled: 1", "X-B3-Flags: 1", "baggage: user = 1 ;secret", "x-request-id: AbC-1", "x-client-trace-id: def", "x-tenant: acme",
    ];

    public static TheoryData<string, bool> ClientsAndLogging => new()
    {
        { "factory", true }, { "factory", false }, { "new", true }, { "new", false }, { "SocketsHttpHandler", true }, { "SocketsHttpHandler", false },
        { "handler by hand", true }, { "handler by hand", false }, { "synchronous", true }, { "synchronous", false },
    };

    [Theory]
    [MemberData(nameof(ClientsAndLogging))]
    public async Task Call_ByAnyClient_CarriesEverythingByteForByte(string kind, bool logs)
    {
        var (service, sent) = await CallAsync(kind, logs, Everything);

        Assert.Equal(
            Everything.Select(Normalized).Order(),
            sent.Headers.Where(h => h.Key != "Host").Select(h => Normalized($"{h.Key}: {h.Value}")).Order());
        Assert.Empty(service.Sink.Requests);
    }

    [Theory]
    [MemberData(nameof(ClientsAndLogging))]
    public async Task Call_RequestWithoutHeaders_CarriesNone(string kind, bool logs)
    {
        var (_, sent) = await CallAsync(kind, logs, []);

        Assert.Equal(["Host"], sent.Headers.Select(h => h.Key));
    }

    [Theory]
    [MemberData(nameof(ClientsAndLogging))]
    public async Task Call_UnsampledCameIn_StaysAsItIs(string kind, bool logs)
    {
        var (_, sent) = await CallAsync(kind, logs, [$"traceparent: 00-{TraceId}-{SpanId}-00"]);

        Assert.Equal([$"00-{TraceId}-{SpanId}-00"], sent.All("traceparent"));
        Assert.Null(sent["X-B3-Sampled"]);
    }

    // It says that an Envoy of OpenTelemetry's tracer has begun the trace of the traceparent beside a context in B3, which counts then.
    [Theory]
    [InlineData("factory")]
    [InlineData("new")]
    public async Task Call_EmptyTraceStateCameIn_CarriesIt(string kind)
    {
        string[] headers = ["traceparent: 00-11111111111111111111111111111111-2222222222222222-01", "tracestate: ", $"b3: {TraceId}-{SpanId}-0"];
        var (_, sent) = await CallAsync(kind, logs: false, headers);

        Assert.Equal([""], sent.All("tracestate"));
        Assert.Equal([$"{TraceId}-{SpanId}-0"], sent.All("b3"));
    }

    // Hosting takes its source from the container: a source that the application registers names the request's Activity.
    [Fact]
    public async Task Call_ApplicationRegistersAnActivitySource_CarriesEverything()
    {
        using var shop = new ActivitySource("Shop");
        var (_, sent) = await CallAsync("new", logs: false, Everything, b => b.Services.AddSingleton(shop));

        Assert.Equal(Everything.Length, sent.Headers.Count(h => h.Key != "Host"));
    }

    [Fact]
    public async Task Call_UnsafeValueCameIn_DoesNotLeave()
    {
        var (_, sent) = await CallAsync("new", logs: true, ["x-request-id: a\u00c3\u00a9b", "x-client-trace-id: a\u0001b", "b3: 1"]);

        Assert.Equal((null, null, "1"), (sent["x-request-id"], sent["x-client-trace-id"], sent["b3"]));
    }

    [Fact]
    public async Task Call_ToAStranger_CarriesNothing()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri("http://api.example.com/"))).Dispose();
            }),
            o => o.Mode = MeshTracingMode.Forward);
        await service.GetAsync("/", Everything);

        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
    }

    [Theory]
    [InlineData("data", "tenant=1;p")]
    [InlineData("api.example.com", null)]
    [InlineData("baggage.example.com", "tenant=1;p")]
    public async Task Call_BaggageCameIn_ItsRulesHold(string host, string? expected)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri($"http://{host}/"))).Dispose();
            }),
            o =>
            {
                o.Mode = MeshTracingMode.Forward;
                o.Propagation.Targets.Add("*.example.com");
                o.Propagation.BaggageTargets.Add("baggage.example.com");
                o.Propagation.BaggageKeys[0] = "tenant";
            });
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-01", "baggage: secret=1, tenant = 1 ; p");

        Assert.Equal(expected, server.Request["baggage"]);
        Assert.NotNull(server.Request["traceparent"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_RedirectedOrRetried_CarriesTheSameAgain(bool retry)
    {
        await using var server = new WireServer((_, number) => number == 0 && !retry ? "302 Found\r\nLocation: /new" : "200 OK");
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                (await invoker.SendAsync(request, default)).Dispose();
                if (retry) (await invoker.SendAsync(request, default)).Dispose();
            }),
            o => o.Mode = MeshTracingMode.Forward);
        await service.GetAsync("/", Everything[..^1]);

        Assert.Equal(2, server.Requests.Count);
        Assert.All(server.Requests, r => Assert.Equal(
            Everything[..^1].Select(Normalized).Order(),
            r.Headers.Where(h => h.Key != "Host").Select(h => Normalized($"{h.Key}: {h.Value}")).Order()));
    }

    [Fact]
    public async Task Start_Disabled_SaysSoInOneLine()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"), build: b => b.Configuration.AddInMemoryCollection([new("OTEL_SDK_DISABLED", "true")]));
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Equal(["Tracing forwards headers and records nothing (OTEL_SDK_DISABLED)."], service.Log.OfTracing);
        Assert.Empty(service.Sink.Requests);
    }

    [Theory]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true, "01")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false, "01")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", true, "03")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true, "00")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02", true, "02")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", true, "01")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-d", true, "01")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", true, "00")]
    [InlineData("x-nothing: 1", true, "00")]
    public async Task Activity_OfARequest_KeepsTheCallersFlag(string header, bool logs, string flags)
    {
        string? id = null;
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => id = Activity.Current?.Id),
            build: b =>
            {
                b.Configuration.AddInMemoryCollection([new("OTEL_SDK_DISABLED", "true")]);
                if (!logs) b.Logging.SetMinimumLevel(LogLevel.None);
            });
        await service.GetAsync("/", header);

        Assert.EndsWith("-" + flags, id, StringComparison.Ordinal);
    }

    // What another listener refuses it must not have to record because of the flag.
    [Fact]
    public async Task Activity_AnotherListenerRefusesIt_IsNotMadeToRecordIt()
    {
        Activity? heard = null;
        using var source = new ActivitySource("Shop.Requests");
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => s == source,
            Sample = (ref _) => ActivitySamplingResult.PropagationData,
            ActivityStopped = a => heard = a,
        };
        ActivitySource.AddActivityListener(listener);
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"), o => o.Mode = MeshTracingMode.Forward, b => b.Services.AddSingleton(source));
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-01");
        await service.StopAsync();

        Assert.Equal((true, false), (heard!.Recorded, heard.IsAllDataRequested));
    }

    [Fact]
    public async Task Log_OfARequest_NamesTheCallersTrace()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", (ILogger<ForwardModeTests> log) => log.LogInformation("here")), o => o.Mode = MeshTracingMode.Forward);
        await service.GetAsync("/", $"b3: {TraceId}-{SpanId}-1");
        await service.StopAsync();

        Assert.Equal(TraceId, Assert.Single(service.Log.Lines, l => l.Message == "here").Scope["TraceId"]);
    }

    // Letter case of a name does not count, and the platform has its own for some.
    private static string Normalized(string header) => header[..header.IndexOf(':')].ToLowerInvariant() + header[header.IndexOf(':')..];

    private static async Task<(TestService Service, WireMessage Sent)> CallAsync(
        string kind, bool logs, string[] headers, Action<WebApplicationBuilder>? build = null)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async (IHttpClientFactory factory) =>
            {
                using var client = kind switch
                {
                    "factory" => factory.CreateClient(),
                    "SocketsHttpHandler" => new HttpClient(new SocketsHttpHandler()),
                    "handler by hand" => new HttpClient(new MeshTracingHandler(new HttpClientHandler())),
                    _ => new HttpClient(),
                };
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                using var response = kind == "synchronous" ? client.Send(request) : await client.SendAsync(request);
            }),
            o =>
            {
                o.Mode = MeshTracingMode.Forward;
                o.Propagation.ForwardedHeaders.Add("x-tenant");
            },
            b =>
            {
                b.Services.AddHttpClient();
                if (!logs) b.Logging.SetMinimumLevel(LogLevel.None);
                build?.Invoke(b);
            });
        Assert.Equal(200, (await service.GetAsync("/", headers)).Status);
        await service.StopAsync();
        return (service, server.Request);
    }
}
