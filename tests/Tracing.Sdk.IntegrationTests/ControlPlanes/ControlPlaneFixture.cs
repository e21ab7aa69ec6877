using System.Globalization;
using System.Text.Json.Nodes;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.ControlPlanes;

/// <summary>
/// Gateway -> sidecar -> service a -> sidecar -> sidecar -> service b, with the proxies of every configuration: two services, and of each dozen
/// configurations one Envoy for what stands before a service and one for what stands before a sidecar.
/// </summary>
public sealed class ControlPlaneFixture : IAsyncLifetime
{
    private const string EnvoyName = "envoy";

    private readonly List<EnvoyListeners> _envoys = [];
    private readonly Dictionary<string, Uri> _addresses = [];
    private ServiceProcess _a = null!;
    private ServiceProcess _b = null!;
    private ServiceProcess _edge = null!;

    /// <summary>A service that takes the ids of its callers and not their decision (<c>TrustIdsOnly</c>).</summary>
    public Uri Edge => _edge.Address;

    public TestCollector Collector { get; private set; } = null!;

    /// <summary>The last lines of the services' output.</summary>
    public string Logs => $"a:\n{_a.Process.Tail}\nb:\n{_b.Process.Tail}";

    public async Task InitializeAsync()
    {
        if (MeshTools.EnvoyPath is null) return;
        Collector = await TestCollector.StartAsync();
        var services = await Task.WhenAll(
            StartServiceAsync("a"), StartServiceAsync("b"), StartServiceAsync("edge", new KeyValuePair<string, string>("MeshTracing__Trust__Default", "TrustIdsOnly")));
        (_a, _b, _edge) = (services[0], services[1], services[2]);
        foreach (var planes in ControlPlanes.All.Chunk(12)) await StartEnvoysAsync(planes);
    }

    public async Task DisposeAsync()
    {
        if (MeshTools.EnvoyPath is null) return;
        foreach (var envoy in _envoys) await envoy.DisposeAsync();
        await _a.DisposeAsync();
        await _b.DisposeAsync();
        await _edge.DisposeAsync();
        await Collector.DisposeAsync();
    }

    /// <summary>Where a request comes in.</summary>
    internal Uri Address(ControlPlane plane, ControlPlaneTree.Entry entry) => entry switch
    {
        ControlPlaneTree.Entry.Gateway when plane.Gateway is not null => _addresses[Key(plane, "gateway")],
        ControlPlaneTree.Entry.Service => _a.Address,
        _ when plane.Inbound is not null => _addresses[Key(plane, "inbound-a")],
        _ => _a.Address,
    };

    /// <summary>What service a calls to reach service b.</summary>
    internal Uri WayToB(ControlPlane plane) =>
        _addresses[Key(plane, plane.Outbound is not null ? "outbound" : "inbound-b")];

    /// <summary>The proxy that made a span, or the service.</summary>
    internal static string NameOf(CollectedSpan span) =>
        (span.Tag("upstream_cluster.name") ?? span.Tag("upstream_cluster")) is { } cluster && cluster.IndexOf('/', StringComparison.Ordinal) is var slash and > 0
            ? cluster[(slash + 1)..]
            : span.Service;

    private async Task StartEnvoysAsync(ControlPlane[] planes)
    {
        // The port of a listener is known when its Envoy runs: first those that lead to a service, then those that lead to these.
        await StartAsync([.. planes.Where(plane => plane.Inbound is not null).SelectMany(plane => new Route[]
        {
            new(plane, plane.Inbound!, "inbound-a", _a.Address),
            new(plane, plane.Inbound!, "inbound-b", _b.Address),
        })]);
        await StartAsync([.. planes.SelectMany(plane => new Route?[]
        {
            plane.Gateway is null ? null : new(plane, plane.Gateway, "gateway", Address(plane, ControlPlaneTree.Entry.Sidecar)),
            plane.Outbound is null ? null : new(plane, plane.Outbound, "outbound", _addresses.GetValueOrDefault(Key(plane, "inbound-b"), _b.Address)),
        }).OfType<Route>()]);
        foreach (var plane in planes) _addresses.TryAdd(Key(plane, "inbound-b"), _b.Address);
    }

    private async Task StartAsync(Route[] routes)
    {
        if (routes.Length == 0) return;
        var envoy = await EnvoyListeners.StartAsync(
            string.Concat(routes.Select(route => $"  - {route.Listener().ToJsonString()}\n")),
            string.Concat(routes.Select(route => EnvoyListeners.Cluster(route.Name, route.To)))
                + EnvoyListeners.Cluster("collector", new Uri(Collector.Address)),
            EnvoyName);
        _envoys.Add(envoy);
        foreach (var (name, address) in envoy.Addresses) _addresses.Add(name, address);
    }

    private static string Key(ControlPlane plane, string position) =>
        string.Create(CultureInfo.InvariantCulture, $"{ControlPlanes.All.TakeWhile(other => other != plane).Count()}/{position}");

    private Task<ServiceProcess> StartServiceAsync(string name, params KeyValuePair<string, string>[] settings) => ServiceProcess.StartAsync(name, TestService.Dll, new Dictionary<string, string>(settings)
    {
        ["OTEL_SERVICE_NAME"] = name,
        ["OTEL_TRACES_EXPORTER"] = "zipkin",
        ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = Collector.ZipkinEndpoint,
        ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
        ["OTEL_EXPORTER_ZIPKIN_TIMEOUT"] = "60000",
    });

    /// <summary>One listener, and the cluster of the same name that it leads to.</summary>
    private sealed record Route(ControlPlane Plane, ControlPlaneProxy Proxy, string Position, Uri To)
    {
        public string Name => Key(Plane, Position);

        public JsonObject Listener()
        {
            var manager = (JsonObject)Proxy.Manager.DeepClone();
            manager["@type"] = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
            manager["stat_prefix"] = Name;
            // The collector of these tests takes OTLP over HTTP.
            if (manager["tracing"]?["provider"]?["typed_config"] is JsonObject tracer && tracer.Remove("grpc_service"))
                tracer["http_service"] = JsonNode.Parse("""{ "http_uri": { "uri": "http://collector/v1/traces", "cluster": "collector", "timeout": "30s" } }""");
            manager["route_config"] = JsonNode.Parse($$"""
                { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "{{Name}}" } }] }] }
                """);
            manager["http_filters"] = JsonNode.Parse("""
                [{ "name": "envoy.filters.http.router", "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" } }]
                """);
            return (JsonObject)JsonNode.Parse($$"""
                {
                  "name": "{{Name}}",
                  "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
                  "traffic_direction": "{{Proxy.Direction}}",
                  "filter_chains": [{ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": {{manager.ToJsonString()}} }] }]
                }
                """)!;
        }
    }
}
