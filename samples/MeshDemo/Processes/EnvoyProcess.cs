using System.Text.Json;
using System.Text.RegularExpressions;

namespace MeshDemo.Processes;

/// <summary>A running Envoy, on ports that the system chose.</summary>
internal sealed partial class EnvoyProcess : IAsyncDisposable
{
    // An image may have to be pulled first.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20), DockerStartTimeout = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, Uri> _listeners;

    private EnvoyProcess(ChildProcess process, Uri admin, Dictionary<string, Uri> listeners)
    {
        Process = process;
        Admin = admin;
        _listeners = listeners;
    }

    public ChildProcess Process { get; }

    /// <summary>The admin interface: /stats, /config_dump, /runtime_modify.</summary>
    public Uri Admin { get; }

    /// <summary>Where the listener called <c>front</c> accepts requests.</summary>
    public Uri Front => _listeners["front"];

    /// <summary>Where the listener called <c>egress</c> accepts requests.</summary>
    public Uri Egress => _listeners["egress"];

    /// <summary>Starts Envoy and returns once it accepts requests.</summary>
    /// <param name="envoy">The program.</param>
    /// <param name="configuration">What <see cref="EnvoyConfiguration.Render"/> made: every port of its own is 0.</param>
    /// <param name="serviceName">The service name of its Zipkin spans; the OpenTelemetry tracer has its names in the file.</param>
    /// <param name="cancellation">Ends the wait, and Envoy with it.</param>
    /// <exception cref="DemoException">It ended, refused the configuration, or did not get ready in time.</exception>
    public static async Task<EnvoyProcess> StartAsync(
        EnvoyBinary envoy, string configuration, string serviceName, CancellationToken cancellation = default)
    {
        // One worker: spans of all requests go through one buffer. The dynamic id lets several Envoys run side by side.
        string[] arguments =
        [
            "--config-yaml", configuration, "--service-cluster", serviceName, "--service-node", serviceName,
            "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "info",
        ];
        if (envoy.IsDocker)
            arguments = ["run", "--rm", "--init", "--network", "host", EnvoyBinary.Image, .. arguments];

        var timeout = envoy.IsDocker ? DockerStartTimeout : StartTimeout;
        var process = ChildProcess.Start(serviceName, envoy.Path, arguments);
        try
        {
            var address = await process.WaitForLineAsync(
                line => AdminAddress().Match(line) is { Success: true } match ? match.Groups[1].Value : null, "open its admin port", timeout, cancellation);
            await process.WaitForLineAsync(
                line => line.Contains("starting workers", StringComparison.Ordinal) ? "" : null, "start its workers", timeout, cancellation);
            var admin = new Uri($"http://{address}/");
            return new EnvoyProcess(process, admin, await AskForListenersAsync(admin, cancellation));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static async Task<Dictionary<string, Uri>> AskForListenersAsync(Uri admin, CancellationToken cancellation)
    {
        using var http = LocalHttp.CreateClient();
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri(admin, "listeners?format=json"), cancellation));
        return answer.RootElement.GetProperty("listener_statuses").EnumerateArray().ToDictionary(
            listener => listener.GetProperty("name").GetString()!,
            listener => new Uri($"http://127.0.0.1:{listener.GetProperty("local_address").GetProperty("socket_address").GetProperty("port_value").GetInt32()}/"));
    }

    // [info][admin] [source/server/admin/admin.cc:66] admin address: 127.0.0.1:33025
    [GeneratedRegex(@"admin address: (\S+:\d+)")]
    private static partial Regex AdminAddress();
}
