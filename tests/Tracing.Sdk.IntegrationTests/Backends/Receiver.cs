using System.Globalization;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>Where a program takes spans.</summary>
internal sealed record Endpoints(Uri Zipkin, Uri OtlpHttp, Uri OtlpGrpc)
{
    /// <summary>The OTEL_* variables that make a service send to it in one format.</summary>
    public Dictionary<string, string> Variables(WireFormat format) => format switch
    {
        WireFormat.Zipkin => new()
        {
            ["OTEL_TRACES_EXPORTER"] = "zipkin",
            ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = new Uri(Zipkin, "/api/v2/spans").ToString(),
        },
        WireFormat.OtlpGrpc => Otlp("grpc", OtlpGrpc),
        WireFormat.OtlpJson => Otlp("http/json", OtlpHttp),
        _ => Otlp("http/protobuf", OtlpHttp),
    };

    private static Dictionary<string, string> Otlp(string protocol, Uri endpoint) => new()
    {
        ["OTEL_TRACES_EXPORTER"] = "otlp",
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint.ToString(),
    };
}

/// <summary>The formats of ours.</summary>
public enum WireFormat
{
    OtlpProtobuf,
    OtlpJson,
    OtlpGrpc,
    Zipkin,
}

/// <summary>The real Collector or the real Jaeger, which can be ended and started again at the same ports.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly string _path;
    private readonly (int Zipkin, int OtlpHttp, int OtlpGrpc) _ports = (LocalPort.Free(), LocalPort.Free(), LocalPort.Free());
    private ChildProcess? _process;

    private Receiver(string path) => _path = path;

    public Endpoints Endpoints => new(Address(_ports.Zipkin), Address(_ports.OtlpHttp), Address(_ports.OtlpGrpc));

    /// <summary>The receivers of OTLP and Zipkin, for the configuration of either program.</summary>
    public string Receivers => $$"""
        receivers:
          otlp: { protocols: { grpc: { endpoint: "{{LocalPort.Address(_ports.OtlpGrpc)}}" }, http: { endpoint: "{{LocalPort.Address(_ports.OtlpHttp)}}" } } }
          zipkin: { endpoint: "{{LocalPort.Address(_ports.Zipkin)}}" }
        """;

    public static Receiver Collector() => new(MeshTools.CollectorPath!);

    public static Receiver Jaeger() => new(MeshTools.JaegerPath!);

    /// <summary>A configuration of the Collector that hands every span on to an OTLP/HTTP endpoint.</summary>
    public string PassingOnTo(Uri otlp) => $$"""
        {{Receivers}}
        processors: { batch: { timeout: 20ms } }
        exporters: { otlp_http: { endpoint: "{{otlp}}" } }
        service:
          pipelines: { traces: { receivers: [otlp, zipkin], processors: [batch], exporters: [otlp_http] } }
          telemetry: { metrics: { level: none } }
        """;

    /// <summary>Starts it and returns once it takes spans.</summary>
    public async Task StartAsync(string configuration)
    {
        _process = ChildProcess.Start(Path.GetFileName(_path), _path, ["--config", "yaml:" + configuration]);
        await _process.WaitForLineAsync(
            line => line.Contains("Everything is ready", StringComparison.Ordinal) ? "" : null, "get ready", TimeSpan.FromSeconds(30), CancellationToken.None);
    }

    /// <summary>Asks it to end, and returns when it has handed on what it had taken.</summary>
    public async Task StopAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = null;
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private static Uri Address(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
}
