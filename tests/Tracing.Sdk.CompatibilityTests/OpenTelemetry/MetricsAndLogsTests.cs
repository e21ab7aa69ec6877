using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.OpenTelemetry;

/// <summary>Metrics and logs of OpenTelemetry beside this library.</summary>
[WorksWith("OpenTelemetry.Extensions.Hosting", "none of its own", SetUp = "nothing for metrics and logs: [OpenTelemetry next door](opentelemetry.md)", Name = "metrics and logs")]
[WorksWith("OpenTelemetry.Exporter.OpenTelemetryProtocol", "none of its exports, over HTTP or gRPC", Name = "metrics and logs")]
[WorksWith("OpenTelemetry.Instrumentation.Runtime", "none; metrics only", Name = "metrics and logs")]
public sealed class MetricsAndLogsTests
{
    [Theory]
    [InlineData(OtlpExportProtocol.HttpProtobuf, 0)]
    [InlineData(OtlpExportProtocol.Grpc, 0)]
    [InlineData(OtlpExportProtocol.HttpProtobuf, 2)]
    [InlineData(OtlpExportProtocol.Grpc, 2)]
    public async Task Exports_AlsoFailedAndRepeated_MakeNoSpan(OtlpExportProtocol protocol, int failures)
    {
        await using var inbox = await OtlpInbox.StartAsync(failures);
        await using var shop = await SelfCaller.StartAsync(builder => AddMetricsAndLogs(builder, inbox, protocol));
        Assert.True(shop.App.Services.GetRequiredService<LoggerProvider>().ForceFlush());
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path);
        // By the clock of the exporter's own thread.
        await inbox.WaitAsync(failures + 3);
        var spans = await shop.StopAsync();
        await shop.DisposeAsync();

        Assert.Equal(SelfCaller.OneTreeOfEach, TraceOutline.Of(spans));
        Assert.Matches(@"^Tracing stopped: 12 spans started, 12 exported, 0 dropped;", shop.App.Log.LastLine);
        Assert.Empty(shop.App.Log.Warnings);
        Assert.Equal(2, inbox.Requests.Select(request => request.Path).Distinct().Count());
        Assert.DoesNotContain(inbox.Requests, request => request.Headers.ContainsKey("traceparent") || request.Headers.ContainsKey("X-B3-TraceId"));
    }

    [Fact]
    public async Task LogRecordsAndExemplars_OfSampledRequests_NameExportedSpans()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await SelfCaller.StartAsync(builder => AddMetricsAndLogs(builder, inbox, OtlpExportProtocol.HttpProtobuf));
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path);
        Assert.True(shop.App.Services.GetRequiredService<MeterProvider>().ForceFlush());
        var spans = await shop.StopAsync();
        await shop.DisposeAsync();

        var exported = spans.Select(span => span.Id).ToHashSet();
        var logged = inbox.Requests.Where(request => request.Path == "/v1/logs").SelectMany(request => Find(request.Body, 1, 2, 2, 10)).ToList();
        // Histograms of requests and calls.
        var exemplars = inbox.Requests.Where(request => request.Path == "/v1/metrics").SelectMany(request => Find(request.Body, 1, 2, 2, 9, 1, 8, 4)).ToHashSet();
        Assert.Empty(logged.Except(exported));
        Assert.Empty(SpansWithLines(spans).Except(logged));
        Assert.NotEmpty(exemplars);
        Assert.Subset(exported, exemplars);
    }

    [Fact]
    public async Task LogScopes_OfSampledRequests_NameExportedSpans()
    {
        using var scopes = new ScopeLog();
        await using var shop = await SelfCaller.StartAsync(builder => builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(scopes));
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path);
        var spans = await shop.StopAsync();

        var named = scopes.Records.Select(record => record.SpanId).OfType<string>().ToHashSet();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(spans.Select(span => span.Id)));
        Assert.Empty(SpansWithLines(spans).Except(named));
    }

    [Theory]
    [InlineData(TracedApp.NotSampled)]
    [InlineData("b3: 0")]
    public async Task Exemplars_OfUnsampledRequests_NameNoSpan(string headers)
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await SelfCaller.StartAsync(builder => AddMetricsAndLogs(builder, inbox, OtlpExportProtocol.HttpProtobuf));
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path, headers);
        Assert.True(shop.App.Services.GetRequiredService<MeterProvider>().ForceFlush());
        await shop.StopAsync();
        await shop.DisposeAsync();

        Assert.NotEmpty(inbox.Requests.Where(request => request.Path == "/v1/metrics").SelectMany(request => Find(request.Body, 1, 2, 2, 9, 1)));
        Assert.Empty(inbox.Requests.Where(request => request.Path == "/v1/metrics").SelectMany(request => Find(request.Body, 1, 2, 2, 9, 1, 8)));
    }

    // HttpClient logs outside of its spans, Grpc.Net.Client inside.
    private static IEnumerable<string> SpansWithLines(IEnumerable<CollectedSpan> spans) => spans.Where(span => span.Kind == "SERVER" || span.Tag("rpc.method") is not null).Select(span => span.Id);

    private static void AddMetricsAndLogs(WebApplicationBuilder builder, OtlpInbox inbox, OtlpExportProtocol protocol)
    {
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        // Its exporter repeats a failed request then.
        builder.Configuration["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
        builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .SetExemplarFilter(ExemplarFilterType.TraceBased)
                .AddOtlpExporter((options, reader) =>
                {
                    SendTo("/v1/metrics", options);
                    reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = 50;
                }))
            .WithLogging(logs => logs.AddOtlpExporter(options => SendTo("/v1/logs", options)));

        void SendTo(string path, OtlpExporterOptions options) =>
            (options.Protocol, options.Endpoint) = (protocol, protocol == OtlpExportProtocol.Grpc ? inbox.Grpc : new Uri(inbox.Http, path));
    }

    // The fields at a path of field numbers, as hex.
    private static IEnumerable<string> Find(byte[] message, params int[] path) => ProtobufFields.At(message, path).Select(Convert.ToHexStringLower);
}
