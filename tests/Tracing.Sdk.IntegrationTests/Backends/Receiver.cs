using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>The ports at which the real Collector or the real Jaeger takes spans. The program there can be ended, and the same or another one started.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly (int Zipkin, int OtlpHttp, int OtlpGrpc) _ports = (LocalPort.Free(), LocalPort.Free(), LocalPort.Free());
    private ChildProcess? _process;

    private Receiver()
    {
    }

    public Endpoints Endpoints => new(Address(_ports.Zipkin), Address(_ports.OtlpHttp), Address(_ports.OtlpGrpc));

    private string Receivers => $$"""
        receivers:
          otlp: { protocols: { grpc: { endpoint: "{{LocalPort.Address(_ports.OtlpGrpc)}}" }, http: { endpoint: "{{LocalPort.Address(_ports.OtlpHttp)}}" } } }
          zipkin: { endpoint: "{{LocalPort.Address(_ports.Zipkin)}}" }
        """;

    /// <summary>Chooses the ports; nothing listens there yet.</summary>
    public static Receiver AtFreePorts() => new();

    /// <summary>Starts a Collector that hands every request on to an OTLP/HTTP endpoint as it came.</summary>
    /// <param name="otlp">The endpoint.</param>
    /// <param name="change">Changes the configuration.</param>
    public Task StartCollectorAsync(Uri otlp, Func<string, string>? change = null)
    {
        var configuration = $$"""
            {{Receivers}}
            exporters: { otlp_http: { endpoint: "{{otlp}}" } }
            service:
              pipelines: { traces: { receivers: [otlp, zipkin], exporters: [otlp_http] } }
              telemetry: { metrics: { level: none } }
            """;
        return StartAsync(MeshTools.CollectorPath!, change?.Invoke(configuration) ?? configuration);
    }

    /// <summary>
    /// Starts a Jaeger that uses more memory than it may and refuses every span for now, but for those before its first look at its memory: these it
    /// hands on.
    /// </summary>
    public Task StartFullJaegerAsync(Uri otlp) => StartAsync(MeshTools.JaegerPath!, $$"""
        {{Receivers}}
        processors: { memory_limiter: { check_interval: 100ms, limit_mib: 2 } }
        exporters: { otlphttp: { endpoint: "{{otlp}}" } }
        service:
          pipelines: { traces: { receivers: [otlp, zipkin], processors: [memory_limiter], exporters: [otlphttp] } }
          telemetry: { metrics: { level: none } }
        """);

    /// <summary>Asks the program to end, and returns when it has handed on what it had taken.</summary>
    public async Task StopAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartAsync(string path, string configuration)
    {
        _process = ChildProcess.Start(Path.GetFileName(path), path, ["--config", "yaml:" + configuration]);
        await _process.WaitForLineAsync(
            line => line.Contains("Everything is ready", StringComparison.Ordinal) ? "" : null, "get ready", TimeSpan.FromSeconds(30), CancellationToken.None);
    }

    private static Uri Address(int port) => new($"http://{LocalPort.Address(port)}/");
}
