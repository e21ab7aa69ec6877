using MeshDemo.Collecting;
using MeshDemo.Processes;
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
        // The demo's collector does not signal an arrival.
        var store = backend.Services.GetRequiredService<TraceStore>();
        var spans = await Polling.UntilAsync(() => Task.FromResult(store.Find(response.One("x-trace-id")!)), spans => spans.Count >= SampleTests.SpansOfOrderTree);
        SpanOutline.AssertEqual(SampleTests.OrderTree, spans, () => sample.Logs);
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
        await PortProbe.WaitUntilOpenAsync(http);
        return (process, new Uri($"http://{LocalPort.Address(http)}"));
    }
}
