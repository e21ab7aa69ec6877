using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Backends;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Receivers;

/// <summary>Receivers of OTLP from three houses.</summary>
public enum Program
{
    Collector,
    Jaeger,
    Rotel,
}

/// <summary>The real Collector and Rotel, which take requests of a megabyte at most and hand spans on to the test, and the real Jaeger. Absent where a program is.</summary>
public sealed class ReceiverFixture : IAsyncLifetime
{
    private TestCollector? _backend;
    private Receiver? _collector;
    private JaegerProcess? _jaeger;
    private ChildProcess? _rotel;
    private Endpoints? _rotelEndpoints;

    /// <summary>Where spans end up; Jaeger keeps its own.</summary>
    internal TestCollector Backend => _backend!;

    internal Endpoints Require(Program program)
    {
        switch (program)
        {
            case Program.Collector:
                MeshTools.RequireCollector();
                return _collector!.Endpoints;
            case Program.Jaeger:
                MeshTools.RequireJaeger();
                return new Endpoints(_jaeger!.Zipkin, _jaeger.OtlpHttp, _jaeger.OtlpGrpc);
            default:
                MeshTools.RequireRotel();
                return _rotelEndpoints!;
        }
    }

    public async Task InitializeAsync()
    {
        _backend = await TestCollector.StartAsync();
        await Task.WhenAll(StartCollectorAsync(), StartJaegerAsync(), StartRotelAsync());
    }

    public async Task DisposeAsync()
    {
        if (_collector is not null) await _collector.DisposeAsync();
        if (_jaeger is not null) await _jaeger.DisposeAsync();
        if (_rotel is not null) await _rotel.DisposeAsync();
        if (_backend is not null) await _backend.DisposeAsync();
    }

    private async Task StartCollectorAsync()
    {
        if (MeshTools.CollectorPath is null) return;
        _collector = Receiver.AtFreePorts();
        await _collector.StartCollectorAsync(new Uri(Backend.Address), configuration => configuration
            .Replace("grpc: { endpoint", "grpc: { max_recv_msg_size_mib: 1, endpoint", StringComparison.Ordinal)
            .Replace("http: { endpoint", "http: { max_request_body_size: 500000, endpoint", StringComparison.Ordinal)
            .Replace("zipkin: { endpoint", "zipkin: { max_request_body_size: 500000, endpoint", StringComparison.Ordinal));
    }

    private async Task StartJaegerAsync()
    {
        if (MeshTools.JaegerPath is not null) _jaeger = await JaegerProcess.StartAsync(MeshTools.JaegerPath);
    }

    private async Task StartRotelAsync()
    {
        if (MeshTools.RotelPath is null) return;
        var (grpc, http) = (LocalPort.Free(), LocalPort.Free());
        _rotel = ChildProcess.Start(
            "rotel",
            MeshTools.RotelPath,
            [
                "start", "--otlp-grpc-endpoint", LocalPort.Address(grpc), "--otlp-http-endpoint", LocalPort.Address(http), "--otlp-grpc-max-recv-msg-size-mib", "1",
                "--exporter", "otlp", "--otlp-exporter-endpoint", Backend.Address, "--otlp-exporter-protocol", "http",
            ]);
        // It listens a moment after it has said that it starts.
        await PortProbe.WaitUntilOpenAsync(http);
        await PortProbe.WaitUntilOpenAsync(grpc);
        _rotelEndpoints = new Endpoints(new Uri("http://127.0.0.1:1"), new Uri($"http://{LocalPort.Address(http)}"), new Uri($"http://{LocalPort.Address(grpc)}"));
    }
}
