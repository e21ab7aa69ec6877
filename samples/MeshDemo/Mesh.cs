using MeshDemo.Backends;
using MeshDemo.Collecting;
using MeshDemo.Processes;
using MeshDemo.StandIn;
using MeshDemo.Traces;

namespace MeshDemo;

/// <summary>
/// The whole mesh as processes of its own: front proxy, API service, egress proxy, data service, collector.
/// Disposing it ends all of them.
/// </summary>
internal sealed class Mesh : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _running = [];
    private readonly List<ChildProcess> _processes = [];
    private readonly string _database = Path.Combine(Path.GetTempPath(), $"mesh-demo-{Guid.NewGuid():N}.db");

    private Mesh(MeshShape shape) => Shape = shape;

    /// <summary>What a request through it has to look like.</summary>
    public MeshShape Shape { get; }

    /// <summary>Where a client sends its requests.</summary>
    public Uri Front { get; private set; } = null!;

    /// <summary>The collector: its page, and /api/traces.</summary>
    public Uri Collector { get; private set; } = null!;

    /// <summary>Starts everything, each part once the parts that it sends to are ready.</summary>
    /// <param name="options">What to run, and where to pass spans on to, which is started.</param>
    /// <param name="envoy">The Envoy to run in both proxies' places; null for the stand-in.</param>
    /// <exception cref="DemoException">A part did not get ready. Everything that had been started has been ended.</exception>
    public static async Task<Mesh> StartAsync(DemoOptions options, EnvoyBinary? envoy, CancellationToken cancellation = default)
    {
        var mesh = new Mesh(envoy is null ? StandInProxy.Shape : MeshShape.WithEnvoy);
        try
        {
            await mesh.StartPartsAsync(options, envoy, cancellation);
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>Completes with what happened when a part ends that should not.</summary>
    public async Task<DemoException> WhenBrokenAsync()
    {
        var ended = await Task.WhenAny(_processes.Select(async process =>
        {
            await process.Exited;
            return process;
        }));
        return (await ended).Died("while the demo was running");
    }

    public async ValueTask DisposeAsync()
    {
        // The collector was started first and ends last: the others send it their last spans.
        await Task.WhenAll(_running.Skip(1).Select(part => part.DisposeAsync().AsTask()));
        if (_running.Count > 0)
            await _running[0].DisposeAsync();
        File.Delete(_database);
    }

    private async Task StartPartsAsync(DemoOptions options, EnvoyBinary? envoy, CancellationToken cancellation)
    {
        if (options.Backend?.Process is { } process)
            _processes.Add(process);

        var collectorArguments = CollectorServer.Arguments(options.Backend?.Zipkin, options.Backend?.Otlp);
        Collector = (await StartAsync("The collector", ServiceProcess.MeshDemoDll, [], collectorArguments, cancellation)).Address;

        var data = await StartAsync("The data service", ServiceProcess.DataServiceDll, new Dictionary<string, string>(Exporting("data-service", options))
        {
            ["Database__Path"] = _database,
        }, [], cancellation);

        var egress = await StartProxyAsync(isFront: false, options, envoy, data.Address, cancellation);

        var api = await StartAsync("The API service", ServiceProcess.ApiServiceDll, new Dictionary<string, string>(Exporting("api-service", options))
        {
            ["DataService__BaseAddress"] = egress.ToString(),
        }, [], cancellation);

        Front = await StartProxyAsync(isFront: true, options, envoy, api.Address, cancellation);
    }

    // The services call AddMeshTracing() without settings; the demo sets what an operator would set.
    private Dictionary<string, string> Exporting(string serviceName, DemoOptions options) => new()
    {
        ["OTEL_SERVICE_NAME"] = serviceName,
        ["OTEL_TRACES_EXPORTER"] = options.ServiceFormat == SpanFormats.Otlp ? "otlp" : "zipkin",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Collector.ToString(),
        ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = new Uri(Collector, "api/v2/spans").ToString(),
        // Milliseconds: the tree is printed as soon as it is whole.
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
    };

    private async Task<ServiceProcess> StartAsync(
        string label, string dll, Dictionary<string, string> environment, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var service = await ServiceProcess.StartAsync(label, dll, environment, arguments, cancellation);
        Keep(service, service.Process);
        return service;
    }

    private async Task<Uri> StartProxyAsync(bool isFront, DemoOptions options, EnvoyBinary? envoy, Uri to, CancellationToken cancellation)
    {
        var name = isFront ? Shape.FrontProxy : Shape.EgressProxy;
        if (envoy is null)
        {
            var arguments = StandInProxy.Arguments(isFront, options.Tracer, to, Collector);
            return (await StartAsync(name, ServiceProcess.MeshDemoDll, [], arguments, cancellation)).Address;
        }

        var configuration = EnvoyConfiguration.Render(options.Tracer, Collector, api: isFront ? to : null, data: isFront ? null : to);
        var proxy = await EnvoyProcess.StartAsync(envoy, configuration, name, cancellation);
        Keep(proxy, proxy.Process);
        return isFront ? proxy.Front : proxy.Egress;
    }

    private void Keep(IAsyncDisposable part, ChildProcess process)
    {
        _running.Add(part);
        _processes.Add(process);
    }
}
