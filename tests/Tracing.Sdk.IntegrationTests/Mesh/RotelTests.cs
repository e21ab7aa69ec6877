using MeshDemo.Collecting;
using MeshDemo.Processes;
using MeshDemo.Traces;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>The same tree as OTLP, through a real OpenTelemetry collector.</summary>
public sealed class RotelTests
{
    [SkippableFact]
    public async Task OtlpThroughACollector_IsOneTree()
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireRotel();
        await using var backend = await CollectorServer.StartAsync("http://127.0.0.1:0");
        var (process, address) = await StartRotelAsync(backend.Urls.Single());
        await using var rotel = process;
        await using var sample = await SampleMesh.StartAsync(Tracer.OpenTelemetry, address, new()
        {
            ["OTEL_TRACES_EXPORTER"] = "otlp",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = address.ToString(),
            ["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip",
        });

        var response = await sample.GetOrderAsync();
        var spans = await WaitForTraceAsync(backend.Services.GetRequiredService<TraceStore>(), response.One("x-trace-id")!);
        var tree = TraceTree.Of(spans);
        Assert.Empty(MeshShape.WithEnvoy.Missing(tree));
        Assert.Equal(SampleTests.SpansOfOrderTree, spans.Count);
    }

    // The demo's collector does not signal an arrival, so it is polled.
    private static async Task<IReadOnlyList<Span>> WaitForTraceAsync(TraceStore store, string traceId)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (store.Find(traceId).Count < SampleTests.SpansOfOrderTree && !patience.IsCancellationRequested)
            await timer.WaitForNextTickAsync();
        return store.Find(traceId);
    }

    private static async Task<(ChildProcess Process, Uri Address)> StartRotelAsync(string backend)
    {
        var (grpc, http) = (LocalPort.Free(), LocalPort.Free());
        var process = ChildProcess.Start(
            "rotel",
            MeshTools.RotelPath!,
            [
                "start", "--otlp-grpc-endpoint", LocalPort.Address(grpc), "--otlp-http-endpoint", LocalPort.Address(http),
                "--exporter", "otlp", "--otlp-exporter-endpoint", backend, "--otlp-exporter-protocol", "http",
            ]);

        // It listens a moment after it has said that it starts.
        await LocalPort.WaitUntilOpenAsync(http);
        return (process, new Uri($"http://{LocalPort.Address(http)}"));
    }
}
