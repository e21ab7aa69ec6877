using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>The two samples behind two Envoys with the configurations of samples/envoy, as the demo runs them.</summary>
internal sealed class SampleMesh : IAsyncDisposable
{
    private const string OneOrder = "/orders/1";

    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly List<ChildProcess> _programs = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("sample-mesh-").FullName;
    private Uri _front = null!;

    private SampleMesh()
    {
    }

    /// <summary>The last lines of every program's output.</summary>
    public string Logs => string.Join('\n', _programs.Select(program => $"{program.Label}:\n{program.Tail}"));

    /// <param name="tracer">Which of the three configurations.</param>
    /// <param name="proxyCollector">Where the Envoys send their spans.</param>
    /// <param name="export">OTEL_* variables that tell the services where to send theirs.</param>
    /// <param name="configureProxy">Changes the configuration of both Envoys.</param>
    public static async Task<SampleMesh> StartAsync(
        Tracer tracer, Uri proxyCollector, Dictionary<string, string> export, Func<string, string>? configureProxy = null)
    {
        var mesh = new SampleMesh();
        try
        {
            await mesh.StartPartsAsync(tracer, proxyCollector, export, configureProxy ?? (configuration => configuration));
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks for one order, which the API service puts together from three calls to the data service; answers with the response.</summary>
    public async Task<RawMessage> GetOrderAsync(params HeaderLine[] headers)
    {
        using var connection = await RawConnection.OpenAsync(_front);
        var response = await connection.SendAsync("GET", OneOrder, headers);
        Assert.Equal(200, response.Status);
        return response;
    }

    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out var part))
            await part.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartPartsAsync(Tracer tracer, Uri proxyCollector, Dictionary<string, string> export, Func<string, string> configureProxy)
    {
        var environment = new Dictionary<string, string>(export);
        environment.TryAdd("OTEL_BSP_SCHEDULE_DELAY", "25");
        environment.TryAdd("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "60000");
        environment.TryAdd("OTEL_EXPORTER_OTLP_TIMEOUT", "60000");
        var data = Add(service => service.Process, await ServiceProcess.StartAsync("data-service", ServiceProcess.DataServiceDll, new Dictionary<string, string>(environment)
        {
            ["OTEL_SERVICE_NAME"] = "data-service",
            ["Database__Path"] = Path.Combine(_folder, "shop.db"),
        }));
        var egress = Add(envoy => envoy.Process, await EnvoyProcess.StartAsync(
            MeshTools.Envoy, configureProxy(EnvoyConfiguration.Render(tracer, proxyCollector, api: null, data.Address)), "egress-envoy"));
        var api = Add(service => service.Process, await ServiceProcess.StartAsync("api-service", ServiceProcess.ApiServiceDll, new Dictionary<string, string>(environment)
        {
            ["OTEL_SERVICE_NAME"] = "api-service",
            ["DataService__BaseAddress"] = egress.Egress.ToString(),
        }));
        var front = Add(envoy => envoy.Process, await EnvoyProcess.StartAsync(
            MeshTools.Envoy, configureProxy(EnvoyConfiguration.Render(tracer, proxyCollector, api.Address, data: null)), "front-envoy"));
        _front = front.Front;
    }

    private T Add<T>(Func<T, ChildProcess> program, T part)
        where T : IAsyncDisposable
    {
        _parts.Push(part);
        _programs.Add(program(part));
        return part;
    }
}
