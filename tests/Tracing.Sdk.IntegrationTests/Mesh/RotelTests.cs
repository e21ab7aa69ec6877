using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MeshDemo.Collecting;
using MeshDemo.Processes;
using MeshDemo.Traces;
using Microsoft.Extensions.DependencyInjection;

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
        // Rotel wants to be told its ports, so they are free only as far as one can know.
        var (grpc, http) = (FreePort(), FreePort());
        var process = ChildProcess.Start(
            "rotel",
            MeshTools.RotelPath!,
            [
                "start", "--otlp-grpc-endpoint", Local(grpc), "--otlp-http-endpoint", Local(http),
                "--exporter", "otlp", "--otlp-exporter-endpoint", backend, "--otlp-exporter-protocol", "http",
            ]);

        // It listens a moment after it has said that it starts.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await AcceptsAsync(http))
            await timer.WaitForNextTickAsync(patience.Token);
        return (process, new Uri($"http://{Local(http)}"));
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<bool> AcceptsAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
