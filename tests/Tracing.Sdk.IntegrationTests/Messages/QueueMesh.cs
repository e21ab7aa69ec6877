using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Messages;

/// <summary>Client -> front proxy -> service a -> queue -> service b -> egress proxy -> service a, with a listener for each tracer.</summary>
internal sealed class QueueMesh : IAsyncDisposable
{
    private readonly ServiceProcess _a;
    private readonly ServiceProcess _b;
    private readonly EnvoyListeners _envoy;

    private QueueMesh(ServiceProcess a, ServiceProcess b, EnvoyListeners envoy) => (_a, _b, _envoy) = (a, b, envoy);

    /// <summary>The last lines of every program's output.</summary>
    public string Logs => $"a:\n{_a.Process.Tail}\nb:\n{_b.Process.Tail}\nEnvoy:\n{_envoy.Envoy.Process.Tail}";

    /// <param name="queue">A RabbitMQ.</param>
    /// <param name="byHand">Whether MessageTracing carries the trace, or RabbitMQ.Client.</param>
    /// <param name="collector">Takes the spans of all.</param>
    public static async Task<QueueMesh> StartAsync(Uri queue, bool byHand, TestCollector collector)
    {
        var a = await StartServiceAsync("a", queue, byHand, collector);
        var b = await StartServiceAsync("b", queue, byHand, collector);
        var address = new Uri(collector.Address);
        var envoy = await EnvoyListeners.StartAsync(
            string.Concat(Enum.GetValues<Tracer>().Select(tracer => Listener(tracer, "front", 100) + Listener(tracer, "front", 0) + Listener(tracer, "egress", 100))),
            EnvoyListeners.Cluster("a", a.Address) + EnvoyListeners.Cluster("zipkin", address) + EnvoyListeners.Cluster("otlp", address),
            EnvoyMatrix.ServiceName);
        return new QueueMesh(a, b, envoy);
    }

    /// <summary>Sends a request whose message makes service b call service a.</summary>
    /// <param name="tracer">The tracer of both proxies.</param>
    /// <param name="sampling">Percentage of new traces that the front proxy samples: 0 or 100.</param>
    /// <param name="tag">In the paths of both requests.</param>
    /// <param name="headers">What the client sends.</param>
    public async Task PublishAsync(Tracer tracer, int sampling, string tag, params HeaderLine[] headers)
    {
        using var connection = await RawConnection.OpenAsync(_envoy.Addresses[$"front-{tracer}-{sampling}"]);
        var response = await connection.SendAsync("GET", $"/publish/{tag}?url={_envoy.Addresses[$"egress-{tracer}-100"]}no-call/{tag}", headers);
        Assert.Equal(200, response.Status);
    }

    public async ValueTask DisposeAsync()
    {
        await _envoy.DisposeAsync();
        await _b.DisposeAsync();
        await _a.DisposeAsync();
    }

    private static Task<ServiceProcess> StartServiceAsync(string name, Uri queue, bool byHand, TestCollector collector)
    {
        var environment = new Dictionary<string, string>
        {
            ["OTEL_SERVICE_NAME"] = name,
            ["OTEL_TRACES_EXPORTER"] = "zipkin",
            ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = collector.ZipkinEndpoint,
            ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
            ["Queue__Server"] = queue.ToString(),
            ["Queue__Name"] = byHand ? "by-hand" : "by-library",
            ["Queue__ByHand"] = $"{byHand}",
            ["Queue__Consumes"] = $"{name == "b"}",
        };
        if (byHand) environment["MeshTracing__Ignore__Sources__0"] = "RabbitMQ.Client.*";
        return ServiceProcess.StartAsync(name, TestService.Dll, environment);
    }

    private static string Listener(Tracer tracer, string place, int sampling) => $$"""
          - name: {{place}}-{{tracer}}-{{sampling}}
            address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
            traffic_direction: {{(place == "front" ? "INBOUND" : "OUTBOUND")}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: {{place}}
                  use_remote_address: {{(place == "front" ? "true" : "false")}}
                  tracing:
                    random_sampling: { value: {{sampling}} }
                    spawn_upstream_span: true
                    provider: {{EnvoyMatrix.Provider(tracer)}}
                  route_config:
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                      - match: { prefix: "/" }
                        route: { cluster: a, timeout: 15s }
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }

        """;
}
