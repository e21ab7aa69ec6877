using BenchmarkDotNet.Attributes;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>What does a span of six tags cost from its start until its bytes are on their way?</summary>
[MemoryDiagnoser]
public class RecordBenchmarks
{
    private Recorder? _recorder;
    private int _number;

    [GlobalSetup(Target = nameof(StartStop_Bare))]
    public void Bare() => _recorder = Recorder.Bare();

    [GlobalSetup(Target = nameof(StartStop_TracingSdk))]
    public void TracingSdk() => _recorder = Recorder.Ours(Workload.ToSink("otlp"), new SpanMetrics());

    [GlobalSetup(Target = nameof(StartStop_OpenTelemetry))]
    public void OpenTelemetry() => _recorder = Recorder.Peer();

    [GlobalCleanup]
    public void Stop() => _recorder?.Dispose();

    /// <summary>The floor: a listener that samples everything and does nothing.</summary>
    [Benchmark(Baseline = true)]
    public void StartStop_Bare() => Workload.StartStop(_recorder!.Source, _number++);

    [Benchmark]
    public void StartStop_TracingSdk() => Workload.StartStop(_recorder!.Source, _number++);

    [Benchmark]
    public void StartStop_OpenTelemetry() => Workload.StartStop(_recorder!.Source, _number++);
}
