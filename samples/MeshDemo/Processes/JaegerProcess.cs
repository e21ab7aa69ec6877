using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MeshDemo.Processes;

/// <summary>A running Jaeger with everything in memory, on free ports of this machine.</summary>
internal sealed class JaegerProcess : IAsyncDisposable
{
    /// <summary>Names the program where no address is given.</summary>
    public const string PathVariable = "JAEGER_PATH";

    private const int Attempts = 3;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);

    private readonly int[] _ports;

    private JaegerProcess(ChildProcess process, int[] ports)
    {
        Process = process;
        _ports = ports;
    }

    public ChildProcess Process { get; }

    /// <summary>Its query API and its pages.</summary>
    public Uri Query => Address(0);

    /// <summary>Takes Zipkin v2 JSON.</summary>
    public Uri Zipkin => Address(1);

    /// <summary>Takes OTLP/HTTP.</summary>
    public Uri OtlpHttp => Address(2);

    /// <summary>Takes OTLP/gRPC.</summary>
    public Uri OtlpGrpc => Address(3);

    /// <summary>The demo's configuration, which takes its ports from variables.</summary>
    public static string Configuration
    {
        get
        {
            using var file = typeof(JaegerProcess).Assembly.GetManifestResourceStream("jaeger.yaml")!;
            using var reader = new StreamReader(file);
            return reader.ReadToEnd();
        }
    }

    /// <summary>Starts Jaeger and returns once it takes spans.</summary>
    /// <param name="path">The program.</param>
    /// <param name="configuration">Another configuration with the same variables as <see cref="Configuration"/>.</param>
    /// <param name="cancellation">Ends the wait, and Jaeger with it.</param>
    /// <exception cref="DemoException">It ended, refused the configuration, or did not get ready in time.</exception>
    public static async Task<JaegerProcess> StartAsync(string path, string? configuration = null, CancellationToken cancellation = default)
    {
        // Jaeger does not say which port the system chose for it, so it gets ports that are free now. When another program was faster, others are tried.
        for (var attempt = 1; ; attempt++)
        {
            var ports = FreePorts(5);
            var process = Start(path, configuration ?? Configuration, ports);
            try
            {
                await process.WaitForLineAsync(
                    line => line.Contains("Everything is ready", StringComparison.Ordinal) ? "" : null, "get ready", StartTimeout, cancellation);
                return new JaegerProcess(process, ports);
            }
            catch (DemoException) when (attempt < Attempts && process.Tail.Contains("address already in use", StringComparison.Ordinal))
            {
                await process.DisposeAsync();
            }
            catch
            {
                await process.DisposeAsync();
                throw;
            }
        }
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static ChildProcess Start(string path, string configuration, int[] ports) => ChildProcess.Start(
        "Jaeger",
        path,
        ["--config", "yaml:" + configuration],
        new Dictionary<string, string>
        {
            ["JAEGER_QUERY_PORT"] = Text(ports[0]),
            ["JAEGER_ZIPKIN_PORT"] = Text(ports[1]),
            ["JAEGER_OTLP_HTTP_PORT"] = Text(ports[2]),
            ["JAEGER_OTLP_GRPC_PORT"] = Text(ports[3]),
            ["JAEGER_QUERY_GRPC_PORT"] = Text(ports[4]),
        });

    // All at once, so that no port comes twice.
    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            foreach (var listener in listeners)
                listener.Start();
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (var listener in listeners)
                listener.Dispose();
        }
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private Uri Address(int index) => new($"http://127.0.0.1:{Text(_ports[index])}");
}
