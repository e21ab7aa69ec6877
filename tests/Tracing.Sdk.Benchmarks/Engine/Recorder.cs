using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;
using Tracing.Sdk.Export;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>Somebody who records spans. Each has a source of its own, so that all of them live in one process and are measured in turn.</summary>
internal sealed class Recorder : IDisposable
{
    private readonly IDisposable _listener;
    private readonly Action _flush;

    private Recorder(string name, Func<string, (IDisposable Listener, Action Flush)> listen)
    {
        Source = new ActivitySource($"{Workload.SourceName}.{name}", "1.0.0");
        (_listener, _flush) = listen(Source.Name);
    }

    public ActivitySource Source { get; }

    /// <summary>The floor: a listener that samples everything and does nothing.</summary>
    public static Recorder Bare() => new("Bare", name => (Workload.Listen(name), static () => { }));

    /// <summary>The recorder as <c>AddMeshTracing</c> builds it, with one exporter, which ends with it.</summary>
    public static Recorder Ours(ExporterSettings settings, SpanMetrics metrics, Action<EndedSpan>? hook = null) => new($"Ours.{settings.ComponentType}", name =>
    {
        var exporter = new SpanExporter(
            settings, Workload.Resource, metrics.AddExporter("otlp_http_span_exporter"), NullLogger.Instance, TimeProvider.System);
        var recorder = new SpanRecorder(
            metrics, new Sdk.Recording.SourceFilter([name], []), new RulesInForce(new TracingRules(new SamplingOptions(), new IgnoreOptions(), new EnrichOptions(), TimeProvider.System)), randomFlag: true, [exporter], metrics,
            new CoexistenceWarnings(NullLogger.Instance), new EndedParents(TimeProvider.System, NullLogger.Instance, static name => name), new UserCode(NullLogger.Instance),
            hook is null ? null : new BeforeExportHook(hook, new UserCode(NullLogger.Instance)));
        recorder.Start();
        return (new Both(recorder, exporter), () => exporter.Flush(TimeSpan.FromSeconds(10)));
    });

    /// <summary>The peer, with its batches and its exporter.</summary>
    public static Recorder Peer() => new("Peer", name =>
    {
        var provider = global::OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .AddSource(name)
            .AddOtlpExporter(options =>
            {
                options.Protocol = OtlpExportProtocol.HttpProtobuf;
                options.HttpClientFactory = () => new HttpClient(new Workload.Sink());
            })
            .Build()!;
        return (provider, () => provider.ForceFlush());
    });

    /// <summary>Sends what was recorded so far.</summary>
    public void Flush() => _flush();

    public void Dispose()
    {
        _listener.Dispose();
        Source.Dispose();
    }

    private sealed class Both(SpanRecorder recorder, SpanExporter exporter) : IDisposable
    {
        public void Dispose()
        {
            recorder.Dispose();
            exporter.Shutdown(TimeSpan.FromSeconds(10));
        }
    }
}
