using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>Receivers of OTLP, of three implementations.</summary>
public enum ReceiverProgram
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
    private RotelProcess? _rotel;

    /// <summary>Where spans end up; Jaeger keeps its own.</summary>
    internal TestCollector Backend => _backend!;

    internal Endpoints Require(ReceiverProgram program)
    {
        switch (program)
        {
            case ReceiverProgram.Collector:
                MeshTools.RequireCollector();
                return _collector!.Endpoints;
            case ReceiverProgram.Jaeger:
                MeshTools.RequireJaeger();
                return Endpoints.Of(_jaeger!);
            default:
                MeshTools.RequireRotel();
                return _rotel!.Endpoints;
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
        if (MeshTools.RotelPath is not null) _rotel = await RotelProcess.StartAsync(Backend.Address, "--otlp-grpc-max-recv-msg-size-mib", "1");
    }
}
