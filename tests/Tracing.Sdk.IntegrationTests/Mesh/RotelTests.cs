using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MeshDemo.Processes;
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
        await using var backend = await TestCollector.StartAsync();
        var (process, address) = await StartRotelAsync(backend.Address);
        await using var rotel = process;
        await using var sample = await SampleMesh.StartAsync(Tracer.OpenTelemetry, address, new()
        {
            ["OTEL_TRACES_EXPORTER"] = "otlp",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = address.ToString(),
            ["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip",
        });

        var response = await sample.GetOrderAsync();
        var spans = await backend.WaitForAsync("The tree of the order", all =>
            all.Where(span => span.TraceId == response.One("x-trace-id")).ToList() is { } trace && trace.Count >= SampleTests.SpansOfOrderTree ? trace : null);
        SpanOutline.AssertEqual(SampleTests.OrderTree, spans);
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
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
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
