using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>The real Rotel, an OpenTelemetry collector in Rust, which hands on what it takes over OTLP/HTTP.</summary>
internal sealed class RotelProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private RotelProcess(ChildProcess process, Endpoints endpoints) => (_process, Endpoints) = (process, endpoints);

    public Endpoints Endpoints { get; }

    /// <param name="backend">Where it sends spans.</param>
    /// <param name="options">Further arguments of its command line.</param>
    public static async Task<RotelProcess> StartAsync(string backend, params string[] options)
    {
        var (grpc, http) = (LocalPort.Free(), LocalPort.Free());
        var process = ChildProcess.Start(
            "rotel",
            MeshTools.RotelPath!,
            [
                "start", "--otlp-grpc-endpoint", LocalPort.Address(grpc), "--otlp-http-endpoint", LocalPort.Address(http),
                "--exporter", "otlp", "--otlp-exporter-endpoint", backend, "--otlp-exporter-protocol", "http", .. options,
            ]);
        try
        {
            // It listens a moment after it has said that it starts.
            await Task.WhenAll(PortProbe.WaitUntilOpenAsync(http), PortProbe.WaitUntilOpenAsync(grpc));
            return new RotelProcess(process, new Endpoints(Zipkin: null, new Uri($"http://{LocalPort.Address(http)}/"), new Uri($"http://{LocalPort.Address(grpc)}/")));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
