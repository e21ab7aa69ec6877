using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>The one call in each kind of host. Spans of these tests are outside of requests, so no other test runs at the same time.</summary>
[Collection(Alone.Name)]
public sealed class AddMeshTracingTests
{
    private static readonly ActivitySource Source = new("Orders");

    private static readonly KeyValuePair<string, string?>[] WrongVariables =
    [
        new("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift"),
        new("OTEL_PROPAGATORS", "tracecontext,baggage,xray"),
        new("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
        new("OTEL_TRACES_EXPORTER", "otlp,jaeger"),
        new("OTEL_RESOURCE_ATTRIBUTES", "a"),
        new("OTEL_BSP_SCHEDULE_DELAY", "5s"),
    ];

    [Fact]
    public async Task Worker_Spans_AreExportedWhenItStops()
    {
        var (host, sink, _) = Build(s => s.AddHostedService<Worker>());
        await host.StartAsync();
        await host.Services.GetRequiredService<WorkerGate>().Done.Task;
        await host.StopAsync();
        host.Dispose();

        Assert.Contains(sink.Spans, s => s.Name == "work" && s.Scope == "Orders");
    }

    [Fact]
    public async Task Worker_SpansOfItsStartAndItsStop_AreExportedToo()
    {
        var (host, sink, log) = Build(s => s.AddHostedService<Worker>());
        await host.StartAsync();
        await host.StopAsync();
        host.Dispose();

        Assert.Single(sink.Spans, s => s.Name == "start");
        Assert.Single(sink.Spans, s => s.Name == "stop");
        Assert.Contains(log.OfTracing, l => l.StartsWith("Tracing stopped: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Worker_ServiceAddedBefore_StartsAfterTheTracing()
    {
        var sink = new SpanSink();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<WorkerGate>().AddHostedService<Worker>();
        builder.Services.AddMeshTracing(o => TestService.ExportTo(sink, o));
        using var host = builder.Build();
        await host.StartAsync();
        await host.StopAsync();

        Assert.Single(sink.Spans, s => s.Name == "start");
        Assert.Single(sink.Spans, s => s.Name == "stop");
    }

    [Fact]
    public async Task Worker_CallOfAnyClient_CarriesItsSpanAndOneRequestId()
    {
        await using var server = new WireServer();
        var (host, sink, _) = Build(s => s.AddHttpClient());
        await host.StartAsync();
        using (Source.StartActivity("job"))
        {
            using var made = host.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
            (await made.GetAsync(server.Address)).Dispose();
            using var plain = new HttpClient();
            (await plain.GetAsync(server.Address)).Dispose();
        }

        await host.StopAsync();
        host.Dispose();
        var job = Assert.Single(sink.Spans, s => s.Name == "job");
        Assert.All(sink.Spans.Clients(), s => Assert.Equal((job.TraceId, job.SpanId), (s.TraceId, s.ParentId)));
        Assert.Equal(sink.Spans.Clients().Select(s => s.SpanId), server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Single(server.Requests.Select(r => r["x-request-id"]).Distinct());
    }

    [Fact]
    public async Task Worker_CallOutsideOfAnySpan_IsARootOfItsOwn()
    {
        await using var server = new WireServer();
        var (host, sink, _) = Build(_ => { });
        await host.StartAsync();
        using var client = new HttpClient();
        (await client.GetAsync(server.Address)).Dispose();
        await host.StopAsync();
        host.Dispose();

        Assert.Null(sink.Spans.Client().ParentId);
        Assert.Equal(sink.Spans.Client().SpanId, server.Request["X-B3-SpanId"]);
    }

    [Fact]
    public async Task Worker_WithAScopedActivitySource_Starts()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = "Development" });
        builder.ConfigureContainer(new DefaultServiceProviderFactory(new ServiceProviderOptions { ValidateScopes = true }));
        builder.Services.AddScoped(_ => new ActivitySource("Shop")).AddMeshTracing(o => o.Mode = MeshTracingMode.Forward);
        using var host = builder.Build();
        await host.StartAsync();
        await host.StopAsync();

        Assert.NotNull(host.Services.GetService<MeshTracing>());
    }

    [Fact]
    public async Task Host_StopHasNoTimeLeft_DoesNotWaitForTheCollector()
    {
        var release = new TaskCompletionSource();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddMeshTracing(o => o.Export.HttpHandler = () => new BlockingHandler(release.Task));
        var host = builder.Build();
        await host.StartAsync();
        Source.StartActivity("work")!.Dispose();
        using var noTime = new CancellationTokenSource();
        await noTime.CancelAsync();

        await host.StopAsync(noTime.Token);
        release.SetResult();
        host.Dispose();
    }

    [Fact]
    public void Start_WithoutHost_TracesAndCalls()
    {
        var sink = new SpanSink();
        using (var tracing = MeshTracing.Start(o => TestService.ExportTo(sink, o)))
        {
            Source.StartActivity("work")!.Dispose();
        }

        Assert.Single(sink.Spans, s => s.Name == "work");
        Assert.NotEqual("", sink.Resource["service.name"]);
    }

    [Fact]
    public async Task Start_WithoutHost_PropagatesByAnyClient()
    {
        await using var server = new WireServer();
        var sink = new SpanSink();
        await using (MeshTracing.Start(o => TestService.ExportTo(sink, o)))
        {
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        }

        Assert.Equal(sink.Spans.Client().SpanId, server.Request["X-B3-SpanId"]);
        Assert.Equal('9', server.Request["x-request-id"]![14]);
    }

    [Fact]
    public async Task Start_AfterItsEnd_LeavesThePlatformToItself()
    {
        await using var server = new WireServer();
        MeshTracing.Start(o => TestService.ExportTo(new SpanSink(), o)).Dispose();
        using var activity = new Activity("mine").Start();
        using var client = new HttpClient();
        (await client.GetAsync(server.Address)).Dispose();

        Assert.StartsWith($"00-{activity.TraceId}-", server.Request["traceparent"], StringComparison.Ordinal);
        Assert.Null(server.Request["X-B3-SpanId"]);
    }

    [Fact]
    public void Start_WrongValue_ThrowsWithTheSentence()
    {
        var e = Assert.Throws<OptionsValidationException>(() => MeshTracing.Start(o => o.Sampling.Ratio = 2));

        Assert.Equal("Tracing cannot start: MeshTracing:Sampling:Ratio is \"2\" but must be a number from 0 to 1, such as 0.1.", e.Message);
    }

    [Fact]
    public void Start_WithConfigurationAndLogger_ReadsTheSectionAndWritesTheStartLine()
    {
        var (sink, log) = (new SpanSink(), new LogCollector());
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("MeshTracing:ServiceName", "job")]).Build();
        using var loggers = LoggerFactory.Create(l => l.AddProvider(log));
        using (MeshTracing.Start(o => TestService.ExportTo(sink, o), configuration, loggers)) Source.StartActivity("work")!.Dispose();

        Assert.Equal("job", sink.Resource["service.name"]);
        Assert.StartsWith("Tracing started: service job (MeshTracing), ", log.OfTracing[0], StringComparison.Ordinal);
        Assert.StartsWith("Tracing stopped: ", log.OfTracing[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Start_EnvironmentVariables_AreRead()
    {
        // No other test runs at the same time, so none sees them.
        Environment.SetEnvironmentVariable("OTEL_SERVICE_NAME", "from-the-environment");
        try
        {
            var sink = new SpanSink();
            using (MeshTracing.Start(o => TestService.ExportTo(sink, o))) Source.StartActivity("work")!.Dispose();

            Assert.Equal("from-the-environment", sink.Resource["service.name"]);
        }
        finally
        {
            Environment.SetEnvironmentVariable("OTEL_SERVICE_NAME", null);
        }
    }

    [Fact]
    public async Task Add_Twice_IsHarmlessAndBothCallsApply()
    {
        var sink = new SpanSink();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddMeshTracing();
        builder.Services.AddMeshTracing(o =>
        {
            TestService.ExportTo(sink, o);
            o.ServiceName = "first";
        });
        builder.Services.AddMeshTracing(o => o.ServiceName = "second");
        using var host = builder.Build();
        await host.StartAsync();
        Source.StartActivity("work")!.Dispose();
        await host.StopAsync();

        Assert.Single(sink.Spans, s => s.Name == "work");
        Assert.Equal("second", sink.Resource["service.name"]);
        Assert.Single(builder.Services, s => s.ServiceType == typeof(MeshTracing));
        Assert.Single(builder.Services, s => s.ServiceType == typeof(IHostedService));
    }

    [Fact]
    public async Task Host_NoServiceName_GivesItsApplicationName()
    {
        var sink = new SpanSink();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "order-worker", EnvironmentName = "Staging" });
        builder.Services.AddMeshTracing(o => TestService.ExportTo(sink, o));
        using var host = builder.Build();
        await host.StartAsync();
        Source.StartActivity("work")!.Dispose();
        await host.StopAsync();

        Assert.Equal("order-worker", sink.Resource["service.name"]);
        Assert.Equal("staging", sink.Resource["deployment.environment.name"]);
    }

    [Fact]
    public async Task Host_WrongValue_StopsTheStartWithTheSentence()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([new("MeshTracing:Export:Exporters", "jaeger")]);
        builder.Services.AddMeshTracing();
        using var host = builder.Build();

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Equal("Tracing cannot start: MeshTracing:Export:Exporters is \"jaeger\" but must be a list of otlp, zipkin, console, or none.", e.Message);
    }

    [Fact]
    public async Task Host_WrongVariables_StartsWithAWarningForEach()
    {
        var log = new LogCollector();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(WrongVariables);
        builder.Logging.AddProvider(log);
        builder.Services.AddMeshTracing(o => TestService.ExportTo(new SpanSink(), o));
        using var host = builder.Build();
        await host.StartAsync();
        await host.StopAsync();

        // The code sets the protocol and the interval.
        var warnings = log.Lines.Where(l => l.Category == "Tracing.Sdk" && l.Level == LogLevel.Warning).Select(l => l.Message.Split(' ')[0]);
        Assert.Equal(["OTEL_RESOURCE_ATTRIBUTES", "OTEL_PROPAGATORS", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER"], warnings);
    }

    [Fact]
    public void Start_WrongVariables_WarnsOnStandardErrorForEach()
    {
        var (error, written) = (Console.Error, new StringWriter());
        foreach (var (name, value) in WrongVariables) Environment.SetEnvironmentVariable(name, value);
        Console.SetError(written);
        try
        {
            MeshTracing.Start(o => o.Export.HttpHandler = () => new SpanSink()).Dispose();
        }
        finally
        {
            Console.SetError(error);
            foreach (var (name, _) in WrongVariables) Environment.SetEnvironmentVariable(name, null);
        }

        Assert.Equal(
            ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_PROPAGATORS", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_TRACES_SAMPLER"],
            written.ToString().Split('\n').Where(l => l.Contains(" OTEL_", StringComparison.Ordinal)).Select(l => l.Split(' ')[1]));
    }

    [Fact]
    public void Start_HostileVariables_Starts()
    {
        string[] names = [.. Settings.All.SelectMany(s => s.Variables).Select(v => v.Name).Distinct(), "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_CONFIG_FILE"];
        string[] texts = [new('x', 1024 * 1024), $"http://{new string('x', 1024 * 1024)}", $"http://x/{new string('x', 100_000)}", "http://[::1]:0", "http://\u0130.\ud800/", "http://x:99999", "=", "\0", "%00=%00", "\r\nx: y", "1e309", "-0", "\u0661"];
        foreach (var text in texts)
        {
            var configuration = new ConfigurationBuilder().AddInMemoryCollection(names.Where(n => n != "OTEL_SDK_DISABLED").Select(n => KeyValuePair.Create(n, (string?)text))).Build();
            using var provider = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddMeshTracing().BuildServiceProvider();
            using var tracing = provider.GetRequiredService<MeshTracing>();

            Assert.NotNull(tracing.Instance.Recorder);
        }
    }

    [Fact]
    public void Container_WithoutHost_ResolvesEveryService()
    {
        using var provider = new ServiceCollection().AddMeshTracing(o => TestService.ExportTo(new SpanSink(), o)).BuildServiceProvider();

        Assert.Same(provider.GetRequiredService<MeshTracing>(), provider.GetRequiredService<MeshTracing>());
        Assert.Contains("traceparent", provider.GetRequiredService<TextMapPropagator>().Fields!);
        Assert.NotNull(provider.GetRequiredService<DistributedContextPropagator>());
    }

    [Fact]
    public void Container_OwnTextMapPropagator_Stays()
    {
        var own = new TraceContextPropagator();
        using var provider = new ServiceCollection().AddSingleton<TextMapPropagator>(own).AddMeshTracing().BuildServiceProvider();

        Assert.Same(own, provider.GetRequiredService<TextMapPropagator>());
    }

    [Fact]
    public async Task Log_InASpan_HasItsIds()
    {
        var (host, _, log) = Build(_ => { });
        await host.StartAsync();
        string traceId, spanId;
        using (var activity = Source.StartActivity("work")!)
        {
            (traceId, spanId) = (activity.TraceId.ToHexString(), activity.SpanId.ToHexString());
            host.Services.GetRequiredService<ILogger<AddMeshTracingTests>>().LogInformation("here");
        }

        await host.StopAsync();
        host.Dispose();
        var line = Assert.Single(log.Lines, l => l.Message == "here");
        Assert.Equal((traceId, spanId), (line.Scope["TraceId"], line.Scope["SpanId"]));
    }

    [Fact]
    public async Task Log_OfAWebRequest_HasItsIds()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", (ILogger<AddMeshTracingTests> log) => log.LogInformation("here")));
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        var line = Assert.Single(service.Log.Lines, l => l.Message == "here");
        Assert.Equal((span.TraceId, span.SpanId), (line.Scope["TraceId"], line.Scope["SpanId"]));
    }

    [Fact]
    public async Task FlushAsync_InAHost_SendsWhatHasEnded()
    {
        var (host, sink, _) = Build(_ => { });
        await host.StartAsync();
        Source.StartActivity("work")!.Dispose();

        Assert.True(await host.Services.GetRequiredService<MeshTracing>().FlushAsync());
        Assert.Single(sink.Spans, s => s.Name == "work");
        await host.StopAsync();
        host.Dispose();
    }

    [Fact]
    public async Task Exporter_Requests_AreNoSpansAndSayThatTheyAreNotSampled()
    {
        await using var collector = new WireServer();
        var sink = new SpanSink();
        using (MeshTracing.Start(o =>
        {
            TestService.ExportTo(sink, o);
            o.Export.Exporters.Add("zipkin");
            o.Export.Zipkin.Endpoint = new Uri(collector.Address, "/api/v2/spans");
            // Not the sink's handler: the platform's, whose requests would be spans.
            o.Export.HttpHandler = () => new ForkHandler(sink);
        }))
        {
            Source.StartActivity("work")!.Dispose();
        }

        Assert.Equal("work", Assert.Single(sink.Spans).Name);
        Assert.Equal("0", collector.Request["b3"]);
        Assert.Null(collector.Request["X-B3-SpanId"]);
        Assert.Null(collector.Request["x-request-id"]);
    }

    private static (IHost Host, SpanSink Sink, LogCollector Log) Build(Action<IServiceCollection> configure)
    {
        var (sink, log) = (new SpanSink(), new LogCollector());
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton<WorkerGate>();
        builder.Services.AddMeshTracing(o => TestService.ExportTo(sink, o));
        configure(builder.Services);
        return (builder.Build(), sink, log);
    }

    private sealed class WorkerGate
    {
        public TaskCompletionSource Done { get; } = new();
    }

    private sealed class Worker(WorkerGate gate) : BackgroundService
    {
        public override async Task StartAsync(CancellationToken cancellationToken)
        {
            Source.StartActivity("start")?.Dispose();
            await base.StartAsync(cancellationToken);
        }

        public override async Task StopAsync(CancellationToken cancellationToken)
        {
            await base.StopAsync(cancellationToken);
            Source.StartActivity("stop")?.Dispose();
        }

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            Source.StartActivity("work")?.Dispose();
            gate.Done.SetResult();
        }
    }

    private sealed class BlockingHandler(Task release) : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            release.Wait(CancellationToken.None);
            return new HttpResponseMessage();
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.Run(() => Send(request, cancellationToken), CancellationToken.None);
    }

    /// <summary>OTLP into the sink, Zipkin through the platform's own handler.</summary>
    private sealed class ForkHandler(SpanSink sink) : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly HttpMessageInvoker _sink = new(sink, disposeHandler: false);

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.RequestUri!.AbsolutePath == "/v1/traces" ? _sink.Send(request, cancellationToken) : base.Send(request, cancellationToken);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            request.RequestUri!.AbsolutePath == "/v1/traces" ? _sink.SendAsync(request, cancellationToken) : base.SendAsync(request, cancellationToken);
    }
}
