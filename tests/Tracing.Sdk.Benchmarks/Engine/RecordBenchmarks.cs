using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;
using Tracing.Sdk.Accounting;
using Tracing.Sdk.Export;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>What does a span of six tags cost from its start until its bytes are on their way?</summary>
[MemoryDiagnoser]
public class RecordBenchmarks
{
    private IDisposable? _recorder;

    [GlobalSetup(Target = nameof(StartStop_Bare))]
    public void Bare() => _recorder = Recorder.Start("bare");

    [GlobalSetup(Target = nameof(StartStop_TracingSdk))]
    public void TracingSdk() => _recorder = Recorder.Start("ours");

    [GlobalSetup(Target = nameof(StartStop_OpenTelemetry))]
    public void OpenTelemetry() => _recorder = Recorder.Start("peer");

    [GlobalCleanup]
    public void Stop() => _recorder?.Dispose();

    /// <summary>The floor: a listener that samples everything and does nothing.</summary>
    [Benchmark(Baseline = true)]
    public void StartStop_Bare() => Workload.StartStop();

    [Benchmark]
    public void StartStop_TracingSdk() => Workload.StartStop();

    [Benchmark]
    public void StartStop_OpenTelemetry() => Workload.StartStop();
}

/// <summary>Who records.</summary>
internal static class Recorder
{
    public static IDisposable Start(string variant) => variant switch
    {
        "bare" => Workload.Listen(),
        "ours" => new Ours(ExporterKind.Otlp),
        "ours-zipkin" => new Ours(ExporterKind.Zipkin),
        "peer" => global::OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .AddSource(Workload.SourceName)
            .AddOtlpExporter(options =>
            {
                options.Protocol = OtlpExportProtocol.HttpProtobuf;
                options.HttpClientFactory = () => new HttpClient(new Workload.Sink());
            })
            .Build()!,
        _ => throw new ArgumentException($"There is no variant {variant}."),
    };

    private sealed class Ours : IDisposable
    {
        private readonly SpanAccounts _accounts = new();
        private readonly SpanExporter _exporter;
        private readonly ActivityListener _listener;

        public Ours(ExporterKind kind)
        {
            _exporter = Workload.Exporter(kind, _accounts.Open("otlp_http_span_exporter"));
            _listener = Workload.Listen(
                _ => _accounts.SpanStarted(),
                activity =>
                {
                    var facts = Workload.Facts(activity);
                    _exporter.Add(activity, in facts);
                    _accounts.SpanEnded();
                });
        }

        public void Dispose()
        {
            _listener.Dispose();
            _exporter.Shutdown(TimeSpan.FromSeconds(10));
            Console.Error.WriteLine(_accounts.ToString());
            _accounts.Dispose();
        }
    }
}
