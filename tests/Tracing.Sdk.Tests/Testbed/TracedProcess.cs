using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>The tracing of a process without requests, as a container builds it: for tests that have the process for themselves.</summary>
internal sealed class TracedProcess : IDisposable
{
    private readonly ServiceProvider _services;
    private readonly MeshTracing _tracing;

    public TracedProcess(Action<MeshTracingOptions>? configure = null, ILoggerProvider? logger = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(logger ?? Log)).AddMeshTracing(o =>
        {
            TestService.ExportTo(Sink, o);
            configure?.Invoke(o);
        });
        _services = services.BuildServiceProvider();
        _tracing = _services.GetRequiredService<MeshTracing>();
    }

    public SpanSink Sink { get; } = new();

    public LogCollector Log { get; } = new();

    public IServiceProvider Services => _services;

    /// <summary>What the library warned of, and "Tracing stopped" if that was a warning.</summary>
    public IReadOnlyList<string> Warnings => [.. Log.Lines.Where(l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning }).Select(l => l.Message)];

    /// <summary>What the last line says of spans, once the tracing is stopped.</summary>
    public string LastLine => Log.SpansOfLastLine;

    /// <summary>Sum of what an instrument of the library says now, over all exporters.</summary>
    public static long Read(string instrument, string? errorType = null)
    {
        var sum = 0L;
        using var listener = new MeterListener
        {
            InstrumentPublished = (published, listener) =>
            {
                if (published.Meter.Name == "Tracing.Sdk" && published.Name == instrument) listener.EnableMeasurementEvents(published);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (errorType is null || tags.ToArray().Any(t => t.Key == "error.type" && (string?)t.Value == errorType)) sum += value;
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return sum;
    }

    /// <summary>Stops tracing, so that everything that ended is in the sink.</summary>
    public IReadOnlyList<Span> Stop()
    {
        _tracing.Dispose();
        return Sink.Spans;
    }

    public void Dispose() => _services.Dispose();
}
