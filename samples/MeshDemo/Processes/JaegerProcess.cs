using System.Globalization;

namespace MeshDemo.Processes;

/// <summary>A running Jaeger with everything in memory, on free ports of this machine.</summary>
internal sealed class JaegerProcess : IAsyncDisposable
{
    /// <summary>Names the program where no address is given.</summary>
    public const string PathVariable = "JAEGER_PATH";

    private const int Attempts = 3;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);

    private readonly Ports _ports;

    private JaegerProcess(ChildProcess process, Ports ports)
    {
        Process = process;
        _ports = ports;
    }

    public ChildProcess Process { get; }

    /// <summary>Its query API and its pages.</summary>
    public Uri Query => Address(_ports.Query);

    /// <summary>Takes Zipkin v2 JSON.</summary>
    public Uri Zipkin => Address(_ports.Zipkin);

    /// <summary>Takes OTLP/HTTP.</summary>
    public Uri OtlpHttp => Address(_ports.OtlpHttp);

    /// <summary>Takes OTLP/gRPC.</summary>
    public Uri OtlpGrpc => Address(_ports.OtlpGrpc);

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
            var ports = new Ports(LocalPort.Free(), LocalPort.Free(), LocalPort.Free(), LocalPort.Free(), LocalPort.Free());
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

    private static ChildProcess Start(string path, string configuration, Ports ports) => ChildProcess.Start(
        "Jaeger",
        path,
        ["--config", "yaml:" + configuration],
        new Dictionary<string, string>
        {
            ["JAEGER_QUERY_PORT"] = Text(ports.Query),
            ["JAEGER_ZIPKIN_PORT"] = Text(ports.Zipkin),
            ["JAEGER_OTLP_HTTP_PORT"] = Text(ports.OtlpHttp),
            ["JAEGER_OTLP_GRPC_PORT"] = Text(ports.OtlpGrpc),
            ["JAEGER_QUERY_GRPC_PORT"] = Text(ports.QueryGrpc),
        });

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static Uri Address(int port) => new($"http://{LocalPort.Address(port)}/");

    private sealed record Ports(int Query, int Zipkin, int OtlpHttp, int OtlpGrpc, int QueryGrpc);
}
