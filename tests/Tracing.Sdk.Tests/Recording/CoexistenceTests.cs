using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;
using OpenTelemetrySdk = OpenTelemetry.Sdk;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>OpenTelemetry's SDK in the same process, and a second tracing of this library.</summary>
[Collection(Alone.Name)]
public sealed class CoexistenceTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private static readonly ActivitySource Orders = new("Orders.CoexistenceTests");

    [Fact]
    public async Task Metrics_Exported_MakeNoSpan()
    {
        await using var collector = new WireServer();
        using var process = new TracedProcess();
        using (var metrics = OpenTelemetrySdk.CreateMeterProviderBuilder()
            .AddMeter("Tracing.Sdk")
            .AddOtlpExporter(o => (o.Endpoint, o.Protocol) = (collector.Address, OtlpExportProtocol.HttpProtobuf))
            .Build())
        {
            Assert.True(metrics.ForceFlush());
            using (Orders.StartActivity("work")) Assert.True(metrics.ForceFlush());
        }

        Assert.Equal(["work"], process.Stop().Select(s => s.Name));
        Assert.NotEmpty(collector.Requests);
        Assert.All(collector.Requests, r => Assert.Equal("POST / HTTP/1.1", r.StartLine));
        Assert.Equal("1 spans started, 1 exported, 0 dropped", process.LastLine);
        Assert.Empty(process.Warnings);
    }

    [Fact]
    public async Task Logs_Exported_MakeNoSpan()
    {
        await using var collector = new WireServer();
        using var process = new TracedProcess();
        using (var logs = LoggerFactory.Create(b => b.AddOpenTelemetry(o => o.AddOtlpExporter(
            e => (e.Endpoint, e.Protocol, e.ExportProcessorType) = (collector.Address, OtlpExportProtocol.HttpProtobuf, ExportProcessorType.Simple)))))
        {
            var logger = logs.CreateLogger("Orders");
            logger.LogInformation("outside of a span");
            using (Orders.StartActivity("work")) logger.LogInformation("inside of one");
        }

        Assert.Equal(["work"], process.Stop().Select(s => s.Name));
        Assert.Equal(2, collector.Requests.Count);
        Assert.Empty(process.Warnings);
    }

    [Fact]
    public async Task Metrics_ExportUnderWayAtTheStop_IsNoSpanThatNeverEnds()
    {
        var (arrived, release) = (new TaskCompletionSource(), new ManualResetEventSlim());
        await using var collector = new WireServer((_, _) =>
        {
            arrived.TrySetResult();
            release.Wait();
            return "200 OK";
        });
        using var process = new TracedProcess();
        using var metrics = OpenTelemetrySdk.CreateMeterProviderBuilder()
            .AddMeter("Tracing.Sdk")
            .AddOtlpExporter(o => (o.Endpoint, o.Protocol) = (collector.Address, OtlpExportProtocol.HttpProtobuf))
            .Build();
        var flush = Task.Run(() => metrics.ForceFlush());
        await arrived.Task;
        process.Stop();
        release.Set();
        await flush;

        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public async Task Metrics_ExportedToAHostOutsideTheMesh_AreNoCallToReport()
    {
        await using var collector = new WireServer();
        using var process = new TracedProcess();
        using var metrics = OpenTelemetrySdk.CreateMeterProviderBuilder()
            .AddMeter("Tracing.Sdk")
            .AddOtlpExporter(o =>
            {
                (o.Endpoint, o.Protocol) = (new Uri("http://otlp.example.com/v1/metrics"), OtlpExportProtocol.HttpProtobuf);
                o.HttpClientFactory = () => new HttpClient(collector.Handler());
            })
            .Build();
        Assert.True(metrics.ForceFlush());

        Assert.DoesNotContain(collector.Request.Headers, h => h.Key is "traceparent" or "x-request-id");
        Assert.DoesNotContain(process.Log.OfTracing, l => l.Contains("otlp.example.com", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Suppressed_CallInARequest_NamesTheSpanAroundIt()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", async () =>
        {
            using var client = new HttpClient();
            using (SuppressInstrumentationScope.Begin())
            {
                Assert.Null(Orders.StartActivity("suppressed"));
                (await client.GetAsync(server.Address)).Dispose();
            }

            Orders.StartActivity("work")!.Dispose();
            (await client.GetAsync(server.Address)).Dispose();
        }));
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-01");
        await service.StopAsync();

        var spans = service.Sink.Spans;
        Assert.Equal(["work", "GET", "GET /"], spans.Select(s => s.Name));
        Assert.Equal([spans.Server().SpanId, spans.Client().SpanId], server.Requests.Select(r => r["X-B3-SpanId"]));
    }

    [Fact]
    public void Suppressed_ThenNot_IsRecordedAgain()
    {
        using var process = new TracedProcess();
        using (Orders.StartActivity("outer"))
        {
            using (SuppressInstrumentationScope.Begin())
            {
                Assert.Null(Orders.StartActivity("same name"));
                using (SuppressInstrumentationScope.Begin(false)) Orders.StartActivity("allowed again")!.Dispose();
            }

            Orders.StartActivity("same name")!.Dispose();
        }

        Assert.Equal(["allowed again", "same name", "outer"], process.Stop().Select(s => s.Name));
    }

    [Fact]
    public async Task OurOwnSuppression_AnyCallInIt_IsNoSpanAndNamesNone()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess();
        using (Orders.StartActivity("outer"))
        {
            using (Suppression.Begin())
            using (var client = new HttpClient())
            {
                Assert.Null(Orders.StartActivity("inner"));
                (await client.GetAsync(server.Address)).Dispose();
            }

            Assert.Equal("outer", Activity.Current?.DisplayName);
            Orders.StartActivity("inner")!.Dispose();
        }

        Assert.Equal(["inner", "outer"], process.Stop().Select(s => s.Name));
        Assert.Null(server.Request["traceparent"]);
    }

    [Fact]
    public void OurOwnSuppression_AnotherListenerRecords_IsNotExportedByUs()
    {
        using var listener = Hear(Orders.Name);
        using var process = new TracedProcess();
        using (Suppression.Begin()) Orders.StartActivity("suppressed")!.Dispose();
        process.Stop();

        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Theory]
    [InlineData("AspNetCore", "requests in this process too (Microsoft.AspNetCore)", "Remove AddAspNetCoreInstrumentation() from")]
    [InlineData("Http", "calls in this process too (System.Net.Http)", "Remove AddHttpClientInstrumentation() from")]
    public async Task OpenTelemetryTracing_InTheSameHost_IsWarnedOfAtTheStart(string instrumentation, string what, string advice)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            build: b => b.Services.AddOpenTelemetry().WithTracing(t =>
            {
                if (instrumentation == "Http") t.AddHttpClientInstrumentation();
                else t.AddAspNetCoreInstrumentation();
            }));

        var warning = Assert.Single(service.Log.OfTracing, l => l.StartsWith("OpenTelemetry", StringComparison.Ordinal));
        Assert.Contains(what, warning, StringComparison.Ordinal);
        Assert.Contains(advice, warning, StringComparison.Ordinal);
        await service.GetAsync("/");
        await service.StopAsync();
        Assert.Single(service.Log.OfTracing, l => l.StartsWith("OpenTelemetry", StringComparison.Ordinal));
    }

    [Fact]
    public void OpenTelemetryTracing_BuiltAfterTheStart_IsWarnedOfAtTheNextSpan()
    {
        using var process = new TracedProcess();
        Orders.StartActivity("work")!.Dispose();
        Assert.Empty(process.Warnings);
        using var provider = OpenTelemetrySdk.CreateTracerProviderBuilder().AddHttpClientInstrumentation().Build();
        using (Orders.StartActivity("outer")) Orders.StartActivity("inner")!.Dispose();

        Assert.StartsWith("OpenTelemetry traces calls", Assert.Single(process.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Grpc.Net.Client")]
    [InlineData("OpenTelemetry.Instrumentation.GrpcNetClient")]
    public void OpenTelemetryTracing_OfGrpcCallsOnly_IsWarnedOf(string source)
    {
        using var provider = OpenTelemetrySdk.CreateTracerProviderBuilder().AddSource(source).Build();
        using var process = new TracedProcess();
        Orders.StartActivity("work")!.Dispose();

        Assert.StartsWith("OpenTelemetry traces gRPC calls in this process too (Grpc.Net.Client)", Assert.Single(process.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void OwnTraceId_WhileAnotherListenerHasSpansOfItsOwn_IsRecorded()
    {
        using var listener = Hear(Orders.Name);
        using var process = new TracedProcess();
        using (Suppression.Begin()) Orders.StartActivity("suppressed")!.Dispose();
        // An application that chooses the trace id of its work names no parent.
        var chosen = new ActivityContext(ActivityTraceId.CreateFromString(TraceId), default, ActivityTraceFlags.Recorded);
        Orders.StartActivity("work", ActivityKind.Internal, chosen)!.Dispose();

        Assert.Equal("work", Assert.Single(process.Stop()).Name);
    }

    // A processor of it may wait for a collector that does not answer. Only for the source of Redis it is disposed of before the spans are sent.
    [Theory]
    [InlineData("Shop.Orders")]
    [InlineData("OpenTelemetry.Instrumentation.StackExchangeRedis")]
    public async Task OpenTelemetryTracing_HangsAtTheStop_SpansAreSent(string source)
    {
        var (sink, exported) = (new SpanSink(), -1);
        await using (var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o => TestService.ExportTo(sink, o),
            b => b.Services.AddOpenTelemetry().WithTracing(t => t.AddSource(source).AddProcessor(new AtShutdown(() =>
            {
                SpinWait.SpinUntil(() => sink.Spans.Count > 0, TimeSpan.FromSeconds(20));
                exported = sink.Spans.Count;
            })))))
        {
            await service.GetAsync("/");
            await service.StopAsync();
        }

        Assert.Equal(1, exported);
    }

    [Fact]
    public async Task OpenTelemetryTracing_ItsFilterLeavesARequestOut_IsCountedAsLeftOut()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/{**path}", () => "ok"),
            build: b => b.Services.AddOpenTelemetry().WithTracing(t => t.AddAspNetCoreInstrumentation(o => o.Filter = c => c.Request.Path != "/healthz")));
        await service.GetAsync("/healthz");
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Equal(["GET /{**path}"], service.Sink.Spans.Select(s => s.Name));
        Assert.Equal("2 spans started, 1 exported, 0 dropped, 1 left out", service.Log.SpansOfLastLine);
    }

    [Theory]
    [InlineData("a source of its own")]
    [InlineData("metrics and logs")]
    [InlineData("no OpenTelemetry")]
    public async Task OtherTelemetry_ThatHearsNoRequest_IsNotWarnedOf(string kind)
    {
        using var listener = kind == "no OpenTelemetry" ? Hear("Something.Else") : null;
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            build: b =>
            {
                if (kind == "a source of its own") b.Services.AddOpenTelemetry().WithTracing(t => t.AddSource("OpenTelemetry.Instrumentation.EntityFrameworkCore"));
                if (kind == "metrics and logs") b.Services.AddOpenTelemetry().WithMetrics(m => m.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation()).WithLogging();
            });
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.DoesNotContain(service.Log.Lines, l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning });
    }

    [Fact]
    public void Warning_TheLoggerThrows_CostsNoSpan()
    {
        using var process = new TracedProcess(logger: new ThrowingLogger("OpenTelemetry traces"));
        using var provider = OpenTelemetrySdk.CreateTracerProviderBuilder().AddHttpClientInstrumentation().Build();
        Orders.StartActivity("work")!.Dispose();

        Assert.Equal("work", Assert.Single(process.Stop()).Name);
    }

    [Fact]
    public async Task Forwarding_OpenTelemetryMakesSpansOfABus_IsWarnedOfByName()
    {
        using var bus = new ActivitySource("Shop.Bus");
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o => o.Mode = MeshTracingMode.Forward,
            b => b.Services.AddOpenTelemetry().WithTracing(t => t.AddSource(bus.Name)));
        await service.GetAsync("/");

        var warning = Assert.Single(service.Log.OfTracing, l => l.Contains("OpenTelemetry", StringComparison.Ordinal));
        Assert.Contains("makes spans of Shop.Bus.", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Forwarding_ProviderLivesBeforeTheStart_IsWarnedOf()
    {
        using var bus = new ActivitySource("Shop.Bus");
        using var provider = OpenTelemetrySdk.CreateTracerProviderBuilder().AddSource(bus.Name).Build();
        using var process = new TracedProcess(o => o.Mode = MeshTracingMode.Forward);

        Assert.Contains("Shop.Bus", Assert.Single(process.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Forwarding_MetricsAndLogsOnly_IsNotWarnedOf()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o => o.Mode = MeshTracingMode.Forward,
            b => b.Services.AddOpenTelemetry().WithMetrics(m => m.AddAspNetCoreInstrumentation()).WithLogging());
        await service.GetAsync("/");

        Assert.DoesNotContain(service.Log.Lines, l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning });
    }

    [Fact]
    public async Task Forwarding_OutsideOfARequest_ClaimsNoParent()
    {
        using var bus = new ActivitySource("Shop.Bus");
        using var provider = OpenTelemetrySdk.CreateTracerProviderBuilder().AddSource(bus.Name).Build();
        using var process = new TracedProcess(o => o.Mode = MeshTracingMode.Forward);
        await using var server = new WireServer();
        var message = new Dictionary<string, string>();
        using (var handling = bus.StartActivity("handle", ActivityKind.Consumer)!)
        {
            DistributedContextPropagator.Current.Inject(handling, message, static (carrier, name, value) => ((Dictionary<string, string>)carrier!)[name] = value);
            process.Services.GetRequiredService<OpenTelemetry.Context.Propagation.TextMapPropagator>()
                .Inject(new(handling.Context, default), message, static (carrier, name, value) => carrier[name] = value);
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        }

        Assert.Empty(message);
        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
    }

    [Fact]
    public void TwoTracings_ASpanOutsideOfRequests_IsWarnedOfOnce()
    {
        using var first = new TracedProcess();
        using var second = new TracedProcess();
        Orders.StartActivity("work")!.Dispose();
        Orders.StartActivity("work")!.Dispose();
        second.Stop();
        first.Stop();

        Assert.Equal((2, 2), (first.Sink.Spans.Count, second.Sink.Spans.Count));
        Assert.StartsWith("Two tracings are live in this process", Assert.Single(first.Warnings.Concat(second.Warnings)), StringComparison.Ordinal);
    }

    [Fact]
    public void TwoTracings_TheFirstHasStopped_IsNotWarnedOf()
    {
        using var first = new TracedProcess();
        using var second = new TracedProcess();
        first.Stop();
        Orders.StartActivity("work")!.Dispose();
        second.Stop();

        Assert.Empty(first.Warnings.Concat(second.Warnings));
    }

    [Fact]
    public async Task TwoHosts_RequestsOnly_AreNotWarnedOf()
    {
        await using var first = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        await using var second = await TestService.StartAsync(app => app.MapGet("/", () => Orders.StartActivity("work")!.Dispose()));
        await first.GetAsync("/");
        await second.GetAsync("/");
        await second.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-01");

        Assert.DoesNotContain(first.Log.OfTracing.Concat(second.Log.OfTracing), l => l.Contains("Two tracings", StringComparison.Ordinal));
    }

    private static ActivityListener Hear(string source)
    {
        var listener = new ActivityListener { ShouldListenTo = s => s.Name == source, Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private sealed class AtShutdown(Action act) : BaseProcessor<Activity>
    {
        protected override bool OnShutdown(int timeoutMilliseconds)
        {
            act();
            return true;
        }
    }

    private sealed class ThrowingLogger(string at) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).StartsWith(at, StringComparison.Ordinal)) throw new InvalidOperationException("disk full");
        }

        public void Dispose()
        {
        }
    }
}
