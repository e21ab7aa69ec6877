using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export;

/// <summary>An exporter with its metrics, its log and its pauses. The balance of the metrics is checked after each step.</summary>
internal sealed class ExporterUnderTest : IDisposable
{
    private readonly SpanExporter _exporter;
    private long _added;

    /// <param name="endpoint">The collector's URL.</param>
    /// <param name="change">Changes the settings.</param>
    /// <param name="isHeld">Whether pauses wait for the next flush instead of taking no time.</param>
    /// <param name="metrics">The counters; null for new ones.</param>
    /// <param name="resource">The resource; null for that of all tests.</param>
    public ExporterUnderTest(
        Uri endpoint, Func<ExporterSettings, ExporterSettings>? change = null, bool isHeld = false, ExporterMetrics? metrics = null, Sdk.Export.Encoding.Resource? resource = null)
    {
        Metrics = metrics ?? new("otlp_http_span_exporter");
        Time.IsHeld = isHeld;
        var settings = Settings("otlp") with { Endpoint = endpoint, BatchDelay = TimeSpan.FromHours(1) };
        _exporter = new SpanExporter(change?.Invoke(settings) ?? settings, resource ?? Encoded.Resource, Metrics, Log, Time);
    }

    public ExporterMetrics Metrics { get; }

    /// <summary>The settings of an exporter without any options.</summary>
    public static ExporterSettings Settings(string exporter) => Exporters.Settings(exporter, new MeshTracingOptions());

    public static ExporterSettings AsZipkin(ExporterSettings settings) => settings with { CreateFormat = Settings("zipkin").CreateFormat };

    public static ExporterSettings AsOtlpJson(ExporterSettings settings) => settings with { CreateFormat = OtlpJsonFormat.Settings(new OtlpOptions()).CreateFormat };

    public static ExporterSettings AsOtlpGrpc(ExporterSettings settings) => settings with { CreateFormat = OtlpGrpcFormat.Settings(new OtlpOptions()).CreateFormat };

    public RecordingLogger Log { get; } = new();

    public PausingTime Time { get; } = new();

    public ExporterUnderTest Add(int count = 1, bool isError = false)
    {
        for (var i = 0; i < count; i++)
        {
            Add(TestSpan.Make(activity =>
            {
                if (isError) activity.SetStatus(System.Diagnostics.ActivityStatusCode.Error);
            }));
        }

        return this;
    }

    public ExporterUnderTest Add(System.Diagnostics.Activity activity)
    {
        Interlocked.Increment(ref _added);
        _exporter.Add(activity, TestSpan.Facts);
        return this;
    }

    /// <summary>Flushes, checks the balance, and returns whether all spans were delivered.</summary>
    public bool Flush(TimeSpan? timeout = null)
    {
        var isDelivered = _exporter.Flush(timeout ?? TimeSpan.FromSeconds(30));
        AssertBalanced();
        return isDelivered;
    }

    /// <summary>As <see cref="Flush"/> before the process ends, on a thread of its own.</summary>
    public Task<bool> FlushLast() => Task.Factory.StartNew(() => _exporter.Flush(TimeSpan.FromSeconds(30), isLast: true), TaskCreationOptions.LongRunning);

    public void Shutdown(TimeSpan? timeout = null)
    {
        _exporter.Shutdown(timeout ?? TimeSpan.FromSeconds(30));
        Assert.Equal(0, Metrics.InFlight);
        AssertBalanced();
    }

    /// <summary>Each span that was added is exported, dropped with a reason, or still there.</summary>
    public void AssertBalanced() => Assert.Equal(Volatile.Read(ref _added), Metrics.Exported + Metrics.TotalDropped + Metrics.InFlight);

    public void AssertCounts(long exported = 0, long dropped = 0, DropReason reason = default, long inFlight = 0)
    {
        Assert.Equal((exported, dropped, dropped, inFlight), (Metrics.Exported, Metrics.TotalDropped, Metrics.Dropped(reason), Metrics.InFlight));
        AssertBalanced();
    }

    public void Dispose() => Shutdown(TimeSpan.Zero);
}

/// <summary>A clock that jumps to the end of each pause of the exporter. All other timers wait for <see cref="FakeTimeProvider.Advance"/>.</summary>
internal sealed class PausingTime : FakeTimeProvider
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    private readonly TaskCompletionSource _paused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How long the exporter paused, each time.</summary>
    public ConcurrentQueue<TimeSpan> Pauses { get; } = new();

    /// <summary>Set to let pauses wait for the test.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Set to let the time of each request be up as soon as it begins.</summary>
    public bool LeavesNoTime { get; set; }

    /// <summary>The error of the wall clock. Elapsed times stay right.</summary>
    public TimeSpan ClockError { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + ClockError;

    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        // The exporter's own pauses, not the deadline of a request.
        var isPause = state is AutoResetEvent && dueTime <= LongestPause;
        var timer = base.CreateTimer(callback, state, LeavesNoTime && state is not AutoResetEvent ? TimeSpan.Zero : dueTime, period);
        if (!isPause) return timer;
        Pauses.Enqueue(dueTime);
        if (!IsHeld) Advance(dueTime);
        _paused.TrySetResult();
        return timer;
    }

    /// <summary>Waits until the exporter has begun its first pause.</summary>
    public void WaitForPause() => Assert.True(_paused.Task.Wait(TimeSpan.FromSeconds(30)));
}

internal sealed class RecordingLogger : ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)}");
}
