using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

public sealed class HealthCheckTests
{
    [Fact]
    public async Task Check_SpansArrive_IsHealthyWithTheCounters()
    {
        await using var service = await StartAsync();
        await service.GetAsync("/");
        var entry = await CheckAsync(service);
        Assert.Equal(HealthStatus.Healthy, entry.Status);
        Assert.Null(entry.Description);
        Assert.Equal(0L, entry.Data["otlp_http_json_span_exporter/0.dropped"]);
        Assert.Equal(
            new[] { "started", "requests.recorded", "requests.not_recorded" }
                .Concat(new[] { "exported", "dropped", "in_flight", "queue.bytes", "queue.capacity" }.Select(n => $"otlp_http_json_span_exporter/0.{n}")).Order(),
            entry.Data.Keys.Order());
    }

    [Fact]
    public async Task Check_NothingAnswersAtTheEndpoint_IsDegradedWithTheSentenceOfTheLog()
    {
        var closed = new WireServer();
        await closed.DisposeAsync();
        await using var service = await StartAsync(o =>
        {
            o.Export.HttpHandler = null;
            o.Export.Otlp.Endpoint = new Uri($"http://user:the-secret-itself@127.0.0.1:{closed.Address.Port}/v1/traces?key=the-secret-itself");
        });
        await service.GetAsync("/");
        await service.Services.GetRequiredService<MeshTracing>().FlushAsync();
        var entry = await CheckAsync(service);
        var line = Assert.Single(service.Log.OfTracing, l => l.StartsWith("Spans cannot be exported. ", StringComparison.Ordinal));
        Assert.Equal(HealthStatus.Degraded, entry.Status);
        Assert.Matches($@"^Spans cannot be exported since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ\. {System.Text.RegularExpressions.Regex.Escape(line["Spans cannot be exported. ".Length..])}$", entry.Description);
        Assert.DoesNotContain("the-secret-itself", entry.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_ExportsWorkAgain_IsHealthy()
    {
        await using var service = await StartAsync();
        var state = Exporter(service).State;
        state.Failure = new ExporterState.Problem("Nothing answers.", DateTimeOffset.UnixEpoch);
        await service.GetAsync("/");
        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(service)).Status);

        state.Failure = null;
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(service)).Status);
    }

    [Fact]
    public async Task Check_SpansAreDropped_IsDegraded()
    {
        await using var service = await StartAsync();
        Exporter(service).State.FullBuffer = new ExporterState.Problem("http://collector:4318/v1/traces takes none", DateTimeOffset.UnixEpoch);
        var entry = await CheckAsync(service);
        Assert.Equal(HealthStatus.Degraded, entry.Status);
        Assert.Equal("Spans are being dropped since 1970-01-01 00:00:00Z, because the buffer is full: http://collector:4318/v1/traces takes none.", entry.Description);
    }

    [Theory]
    [InlineData(799, "Healthy", null)]
    [InlineData(800, "Degraded", "The buffer for http://localhost:4318/v1/traces is 80 % full.")]
    public async Task Check_BufferFills_IsDegradedFromEightyPercent(long bytes, string status, string? description)
    {
        await using var service = await StartAsync();
        Exporter(service).ObserveQueue(() => (1, bytes, 1000));
        var entry = await CheckAsync(service);
        Assert.Equal(status, entry.Status.ToString());
        Assert.Equal(description, entry.Description);
    }

    [Fact]
    public async Task Check_TracingIsNotAdded_IsDegraded()
    {
        var services = new ServiceCollection();
        services.AddLogging().AddHealthChecks().AddMeshTracing();
        await using var provider = services.BuildServiceProvider();
        var entry = Assert.Single((await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries).Value;
        Assert.Equal(HealthStatus.Degraded, entry.Status);
        Assert.Equal("AddMeshTracing() was not called on the services, so nothing is traced.", entry.Description);
    }

    [Fact]
    public async Task Check_WithNameAndTags_HasThem()
    {
        var services = new ServiceCollection();
        services.AddLogging().AddHealthChecks().AddMeshTracing("spans", ["telemetry"]);
        await using var provider = services.BuildServiceProvider();
        var entry = Assert.Single((await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries);
        Assert.Equal("spans", entry.Key);
        Assert.Equal(["telemetry"], entry.Value.Tags);
    }

    private static Task<TestService> StartAsync(Action<MeshTracingOptions>? options = null) =>
        TestService.StartAsync(app => app.MapGet("/", () => "ok"), options, b => b.Services.AddHealthChecks().AddMeshTracing());

    private static ExporterMetrics Exporter(TestService service) => service.Services.GetRequiredService<TracingInstance>().Metrics.Exporters[0];

    private static async Task<HealthReportEntry> CheckAsync(TestService service) =>
        (await service.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["tracing"];
}
