using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>One Envoy in front of every service of the mesh of several languages, with each of its tracers at once. Each proxy makes one span of a request.</summary>
internal sealed class LanguageProxies : IAsyncDisposable
{
    private readonly EnvoyListeners _envoy;
    private readonly IReadOnlyList<LanguageNode> _nodes;

    private LanguageProxies(EnvoyListeners envoy, IReadOnlyList<LanguageNode> nodes) => (_envoy, _nodes) = (envoy, nodes);

    public static async Task<LanguageProxies> StartAsync(IReadOnlyList<LanguageNode> nodes, Uri collector)
    {
        var tracers = Enum.GetValues<Tracer>();
        var routes = string.Concat(nodes.Select((_, i) => $$"""{ match: { prefix: "/{{i}}/" }, route: { cluster: http{{i}}, prefix_rewrite: "/", timeout: 30s } }, """));
        var forHttp = tracers.SelectMany(tracer => (string[])[Listener($"{tracer}-100", tracer, 100, routes), Listener($"{tracer}-0", tracer, 0, routes)]);
        // A gRPC call has a path of its own, so that only the port can tell where it goes.
        var forGrpc = tracers.SelectMany(tracer => nodes.Select((_, i) =>
            Listener($"{tracer}-to-{i}", tracer, 100, $$"""{ match: { prefix: "/" }, route: { cluster: grpc{{i}}, timeout: 30s } }""")));
        var clusters = nodes.Select((node, i) => EnvoyListeners.Cluster($"http{i}", node.Http) + EnvoyListeners.Cluster($"grpc{i}", node.Grpc, EnvoyListeners.Http2))
            .Append(EnvoyListeners.Cluster("zipkin", collector)).Append(EnvoyListeners.Cluster("otlp", collector));
        return new LanguageProxies(await EnvoyListeners.StartAsync(string.Concat([.. forHttp, .. forGrpc]), string.Concat(clusters)), nodes);
    }

    /// <summary>The address of a service behind a proxy with this tracer and this random_sampling.</summary>
    public Uri ToHttp(Tracer tracer, int sampling, LanguageNode node) => new(_envoy.Listeners[$"{tracer}-{sampling}"], $"/{IndexOf(node)}/");

    public Uri ToGrpc(Tracer tracer, LanguageNode node) => _envoy.Listeners[$"{tracer}-to-{IndexOf(node)}"];

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
