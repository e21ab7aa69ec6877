using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>
/// All the proxies of the matrix, each a listener of one of two Envoys: the sidecar of service b with its ingress, and everything else.
/// For every tracer there is each kind of proxy twice, one that samples everything and one with random_sampling 0.
/// </summary>
internal sealed class EnvoyMatrix : IAsyncDisposable
{
    /// <summary>Under which both report: what tells their spans apart is the kind.</summary>
    public const string ServiceName = "envoy";

    // Without TLS there is no negotiation, so the proxy is told the version.
    internal const string Http2 =
        """{ envoy.extensions.upstreams.http.v3.HttpProtocolOptions: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: { http2_protocol_options: {} } } }""";

    private static readonly (Tracer Tracer, int Sampling)[] Variants =
        [.. Enum.GetValues<Tracer>().SelectMany(tracer => new[] { (tracer, 100), (tracer, 0) })];

    private readonly EnvoyListeners _sidecarOfB;
    private readonly EnvoyListeners _others;

    private EnvoyMatrix(EnvoyListeners sidecarOfB, EnvoyListeners others)
    {
        _sidecarOfB = sidecarOfB;
        _others = others;
    }

    public Uri Front(Tracer tracer, int sampling) => _others.Addresses[$"front-{tracer}-{sampling}"];

    /// <summary>The way from service a to service b: one proxy, or the egress of a's sidecar and then the ingress of b's.</summary>
    public Uri Egress(Tracer tracer, int sampling, bool twoSidecars) =>
        _others.Addresses[$"egress-{tracer}-{sampling}-to-{(twoSidecars ? "sidecar" : "b")}"];

    /// <summary>The way from service a to service c, which speaks HTTP/2 only.</summary>
    public Uri EgressToGrpc(Tracer tracer) => _others.Addresses[$"egress-{tracer}-100-to-c"];

    public static async Task<EnvoyMatrix> StartAsync(Uri a, Uri b, Uri c, Uri zipkin, Uri otlp)
    {
        var collectors = EnvoyListeners.Cluster("zipkin", zipkin) + EnvoyListeners.Cluster("otlp", otlp);
        var sidecarOfB = await EnvoyListeners.StartAsync(
            Listeners((tracer, sampling) => Listener($"ingress-{tracer}-{sampling}", "INBOUND", false, sampling, tracer, "b")),
            EnvoyListeners.Cluster("b", b) + collectors,
            ServiceName);
        try
        {
            var others = await EnvoyListeners.StartAsync(
                Listeners((tracer, sampling) =>
                    Listener($"front-{tracer}-{sampling}", "INBOUND", true, sampling, tracer, "a")
                    + Listener($"egress-{tracer}-{sampling}-to-b", "OUTBOUND", false, sampling, tracer, "b")
                    + Listener($"egress-{tracer}-{sampling}-to-sidecar", "OUTBOUND", false, sampling, tracer, $"ingress-{tracer}-{sampling}")
                    + Listener($"egress-{tracer}-{sampling}-to-c", "OUTBOUND", false, sampling, tracer, "c")),
                EnvoyListeners.Cluster("a", a) + EnvoyListeners.Cluster("b", b) + EnvoyListeners.Cluster("c", c, Http2) + collectors
                    + string.Concat(sidecarOfB.Addresses.Select(listener => EnvoyListeners.Cluster(listener.Key, listener.Value))),
                ServiceName);
            return new EnvoyMatrix(sidecarOfB, others);
        }
        catch
        {
            await sidecarOfB.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _others.DisposeAsync();
        await _sidecarOfB.DisposeAsync();
    }

    private static string Listeners(Func<Tracer, int, string> listeners) =>
        string.Concat(Variants.Select(variant => listeners(variant.Tracer, variant.Sampling)));

    private static string Listener(
        string name, string direction, bool edge, int sampling, Tracer tracer, string cluster) => $$"""
          - name: {{name}}
            address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
            traffic_direction: {{direction}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: {{name}}
                  use_remote_address: {{(edge ? "true" : "false")}}
                  tracing:
                    random_sampling: { value: {{sampling}} }
                    spawn_upstream_span: {{(edge ? "true" : "false")}}
                    provider: {{Provider(tracer)}}
                  route_config:
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      include_request_attempt_count: {{(direction == "OUTBOUND" ? "true" : "false")}}
                      routes:
                      - match: { prefix: "/" }
                        route: { cluster: {{cluster}}, timeout: 15s{{(direction == "OUTBOUND" ? ", retry_policy: { retry_on: 5xx, num_retries: 2 }" : "")}} }
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }

        """;

    internal static string Provider(Tracer tracer) => tracer == Tracer.OpenTelemetry
        ? $$"""{ name: envoy.tracers.opentelemetry, typed_config: { "@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig, service_name: {{ServiceName}}, http_service: { http_uri: { uri: "http://otlp/v1/traces", cluster: otlp, timeout: 30s } } } }"""
        : $$"""{ name: envoy.tracers.zipkin, typed_config: { "@type": type.googleapis.com/envoy.config.trace.v3.ZipkinConfig, collector_cluster: zipkin, collector_endpoint: /api/v2/spans, collector_endpoint_version: HTTP_JSON, trace_id_128bit: true, shared_span_context: false{{(tracer == Tracer.ZipkinW3C ? ", trace_context_option: USE_B3_WITH_W3C_PROPAGATION" : "")}} } }""";
}
