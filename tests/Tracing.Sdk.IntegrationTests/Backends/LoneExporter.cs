using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>An exporter of ours with spans of its own, and no tracing around it, which would trace the tests that run beside it.</summary>
internal sealed class LoneExporter : ILogger, IDisposable
{
    private readonly ActivitySource _source = new($"receivers {Guid.NewGuid():N}");
    private readonly ActivityListener _listener;
    private readonly SpanExporter _exporter;
    private readonly ConcurrentQueue<string> _lines = new();

    public LoneExporter(MeshTracingOptions options)
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => ReferenceEquals(source, _source),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(_listener);
        var settings = Exporters.Settings(options.Export.Exporters.Single(), options);
        Metrics = new ExporterMetrics(settings.ComponentType);
        _exporter = new SpanExporter(settings, new Resource([new("service.name", "receivers")]), Metrics, this, TimeProvider.System);
    }

    /// <summary>The trace of every span.</summary>
    public ActivityTraceId TraceId { get; } = ActivityTraceId.CreateRandom();

    public ExporterMetrics Metrics { get; }

    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>Ends spans with a text of this length.</summary>
    public LoneExporter Add(int count, int length = 10)
    {
        var parent = new ActivityContext(TraceId, ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        for (var i = 0; i < count; i++)
        {
            var activity = _source.StartActivity("one", ActivityKind.Internal, parent)!;
            // Not one character: a receiver takes a request by its size after decompression.
            activity.SetTag("text", string.Concat(Enumerable.Repeat($"{i:000000} ", 1 + (length / 7))));
            activity.Stop();
            _exporter.Add(activity, new SpanMetadata(parent.SpanId, false, 1, false));
        }

        return this;
    }

    public bool Flush(TimeSpan? timeout = null) => _exporter.Flush(timeout ?? TimeSpan.FromSeconds(30));

    public void Dispose()
    {
        _exporter.Dispose();
        _listener.Dispose();
        _source.Dispose();
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue(formatter(state, exception));
}
