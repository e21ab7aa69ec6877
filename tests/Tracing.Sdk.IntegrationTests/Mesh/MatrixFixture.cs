using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>Client -> front proxy -> service a -> one proxy or two -> service b, or service c over gRPC, with every tracer at once.</summary>
public sealed class MatrixFixture(MeshFixture mesh) : IAsyncLifetime
{
    private ServiceProcess _a = null!;
    private ServiceProcess _b = null!;
    private ServiceProcess _c = null!;

    internal EnvoyMatrix Envoy { get; private set; } = null!;

    /// <summary>Service a itself, for requests that come through no proxy.</summary>
    public Uri ServiceA => _a.Address;

    /// <summary>The last lines of the services' output.</summary>
    public string Logs => $"a:\n{_a.Process.Tail}\nb:\n{_b.Process.Tail}\nc:\n{_c.Process.Tail}";

    public async Task InitializeAsync()
    {
        if (!MeshTools.HasEnvoyAndZipkin) return;
        _a = await StartAsync("a");
        _b = await StartAsync("b");
        _c = await StartAsync("c", new KeyValuePair<string, string>("Kestrel__EndpointDefaults__Protocols", "Http2"));
        Envoy = await EnvoyMatrix.StartAsync(_a.Address, _b.Address, _c.Address, mesh.Zipkin.Address, new Uri(mesh.Bridge.Address));
    }

    public async Task DisposeAsync()
    {
        if (!MeshTools.HasEnvoyAndZipkin) return;
        await Envoy.DisposeAsync();
        await _a.DisposeAsync();
        await _b.DisposeAsync();
        await _c.DisposeAsync();
    }

    private Task<ServiceProcess> StartAsync(string name, params KeyValuePair<string, string>[] settings) => ServiceProcess.StartAsync(name, TestService.Dll, new Dictionary<string, string>(settings)
    {
        ["OTEL_SERVICE_NAME"] = name,
        ["OTEL_TRACES_EXPORTER"] = "zipkin",
        ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = mesh.Zipkin.Endpoint.ToString(),
        ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
        ["OTEL_EXPORTER_ZIPKIN_TIMEOUT"] = "60000",
    });
}
