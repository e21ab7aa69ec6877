using System.Globalization;
using System.Text.Json;
using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>One Envoy with any number of listeners, and where they are.</summary>
internal sealed record EnvoyListeners(EnvoyProcess Envoy, IReadOnlyDictionary<string, Uri> Addresses) : IAsyncDisposable
{
    /// <summary>Starts an Envoy that reports each span at once.</summary>
    /// <param name="listeners">Items of the list <c>listeners</c>, each on port 0.</param>
    /// <param name="clusters">Items of the list <c>clusters</c>.</param>
    /// <param name="serviceName">The service name of its Zipkin spans.</param>
    public static async Task<EnvoyListeners> StartAsync(string listeners, string clusters, string serviceName)
    {
        var envoy = await EnvoyProcess.StartAsync(
            MeshTools.Envoy,
            $$"""
            admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
            layered_runtime:
              layers:
              - name: static
                static_layer: { tracing.zipkin.min_flush_spans: 1, tracing.zipkin.request_timeout: 30000, tracing.opentelemetry.min_flush_spans: 1 }
            static_resources:
              listeners:
            {{listeners}}
              clusters:
            {{clusters}}
            """,
            serviceName);

        // The system chose the ports.
        using var http = LocalHttp.CreateClient();
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri(envoy.Admin, "listeners?format=json")));
        return new EnvoyListeners(envoy, answer.RootElement.GetProperty("listener_statuses").EnumerateArray().ToDictionary(
            listener => listener.GetProperty("name").GetString()!,
            listener => new Uri($"http://127.0.0.1:{listener.GetProperty("local_address").GetProperty("socket_address").GetProperty("port_value").GetInt32()}/")));
    }

    /// <summary>An item of the list <c>clusters</c> with one endpoint.</summary>
    public static string Cluster(string name, Uri address, string options = "{}") => string.Create(CultureInfo.InvariantCulture, $$"""
          - name: {{name}}
            type: STATIC
            connect_timeout: 1s
            typed_extension_protocol_options: {{options}}
            load_assignment: { cluster_name: {{name}}, endpoints: [ { lb_endpoints: [ { endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: {{address.Port}} } } } } ] } ] }

        """);

    public ValueTask DisposeAsync() => Envoy.DisposeAsync();
}
