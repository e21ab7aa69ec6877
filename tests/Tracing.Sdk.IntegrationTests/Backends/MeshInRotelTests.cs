using MeshDemo.Collecting;
using MeshDemo.Processes;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>The same tree as OTLP, through a real OpenTelemetry collector.</summary>
public sealed class MeshInRotelTests
{
    [SkippableFact]
    public async Task OtlpThroughACollector_IsOneTree()
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireRotel();
        await using var backend = await CollectorServer.StartAsync("http://127.0.0.1:0");
        await using var rotel = await RotelProcess.StartAsync(backend.Urls.Single());
        var address = rotel.Endpoints.OtlpHttp;
        await using var sample = await SampleMesh.StartAsync(Tracer.OpenTelemetry, address, new()
        {
            ["OTEL_TRACES_EXPORTER"] = "otlp",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = address.ToString(),
            ["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip",
        });

        var response = await sample.GetOrderAsync();
        // The demo's collector does not signal an arrival.
        var store = backend.Services.GetRequiredService<TraceStore>();
        var spans = await Polling.UntilAsync(() => Task.FromResult(store.Find(response.One("x-trace-id")!)), spans => spans.Count >= SampleTests.SpansOfOrderTree);
        SpanOutline.AssertEqual(SampleTests.OrderTree, spans, () => sample.Logs);
    }
}
