using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>
/// One Envoy in front of every service of the mesh of several languages, with each of its tracers at once: <c>Zipkin</c>, <c>ZipkinW3C</c>,
/// <c>OpenTelemetry</c>, and with a <c>0</c> behind the name one that samples nothing of its own. Each proxy makes one span of a request.
/// </summary>
internal sealed class LanguageProxies : IAsyncDisposable
{
    private static readonly (string Name, Tracer Tracer, int Sampling)[] Variants =
        [.. Enum.GetValues<Tracer>().SelectMany(tracer => new[] { ($"{tracer}", tracer, 100), ($"{tracer}0", tracer, 0) })];

    private readonly EnvoyListeners _envoy;
    private readonly IReadOnlyList<LanguageNode> _nodes;

    private LanguageProxies(EnvoyListeners envoy, IReadOnlyList<LanguageNode> nodes) => (_envoy, _nodes) = (envoy, nodes);

    /// <param name="nodes">The services.</param>
    /// <param name="grpc">Those that are called by gRPC.</param>
    /// <param name="collector">Where the spans go.</param>
    public static async Task<LanguageProxies> StartAsync(IReadOnlyList<LanguageNode> nodes, IReadOnlySet<string> grpc, Uri collector)
    {
        var routes = string.Concat(nodes.Select((_, i) => $$"""{ match: { prefix: "/{{i}}/" }, route: { cluster: http{{i}}, prefix_rewrite: "/", timeout: 30s } }, """));
        var forHttp = Variants.Select(variant => Listener(variant.Name, variant.Tracer, variant.Sampling, routes));
        // A gRPC call has a path of its own, so that only the port can tell where it goes.
        var called = nodes.Index().Where(node => grpc.Contains(node.Item.Name)).ToArray();
        var forGrpc = Variants.Where(variant => variant.Sampling > 0).SelectMany(variant => called.Select(node =>
            Listener($"{variant.Name}-{node.Index}", variant.Tracer, variant.Sampling, $$"""{ match: { prefix: "/" }, route: { cluster: grpc{{node.Index}}, timeout: 30s } }""")));
        var clusters = nodes.Select((node, i) => EnvoyListeners.Cluster($"http{i}", node.Http))
            .Concat(called.Select(node => EnvoyListeners.Cluster($"grpc{node.Index}", node.Item.Grpc, EnvoyMatrix.Http2)))
            .Append(EnvoyListeners.Cluster("zipkin", collector)).Append(EnvoyListeners.Cluster("otlp", collector));
        return new LanguageProxies(await EnvoyListeners.StartAsync(string.Concat([.. forHttp, .. forGrpc]), string.Concat(clusters), EnvoyMatrix.ServiceName), nodes);
    }

    public Uri ToHttp(string proxy, LanguageNode node) => new(_envoy.Addresses[proxy], $"/{IndexOf(node)}/");

    public Uri ToGrpc(string proxy, LanguageNode node) => _envoy.Addresses[$"{proxy}-{IndexOf(node)}"];

    public ValueTask DisposeAsync() => _envoy.DisposeAsync();

    private int IndexOf(LanguageNode node) => _nodes.TakeWhile(other => other != node).Count();

    private static string Listener(string name, Tracer tracer, int sampling, string routes) => $$"""
          - name: {{name}}
            address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
            traffic_direction: OUTBOUND
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: {{name}}
                  tracing: { random_sampling: { value: {{sampling}} }, provider: {{EnvoyMatrix.Provider(tracer)}} }
                  route_config: { virtual_hosts: [ { name: all, domains: ["*"], routes: [ {{routes}} ] } ] }
                  http_filters: [ { name: envoy.filters.http.router, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } } ]

        """;
}
