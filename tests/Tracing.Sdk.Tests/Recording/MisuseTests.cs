using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>User code that changes an activity, and loggers that throw.</summary>
[Collection(Alone.Name)]
public sealed class MisuseTests
{
    private static readonly ActivitySource Source = new("Recording.Misuse");

    [Fact]
    public void Hierarchical_FlagSetByHand_IsNotExportedWithZeros()
    {
        using var process = new TracedProcess();
        using (var span = Source.CreateActivity("h", ActivityKind.Client)!)
        {
            span.SetIdFormat(ActivityIdFormat.Hierarchical);
            span.Start();
            span.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
        }

        Assert.DoesNotContain(process.Stop(), s => s.SpanId is "" or "0000000000000000" || s.TraceId is "" or "00000000000000000000000000000000");
    }

    [Fact]
    public void StartTime_SetLongAgoAfterTheStart_BesideAnother_IsExported()
    {
        // With two recorders in the process a span is recognized by its start time.
        using var first = new TracedProcess();
        using var process = new TracedProcess();
        using (var span = Source.StartActivity("replayed")!) span.SetStartTime(DateTime.UtcNow.AddHours(-1));
        Assert.Contains(process.Stop(), s => s.Name == "replayed");
        Assert.DoesNotContain("not ended", process.LastLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Logger_IsEnabledThrows_LastLineIsStillThere()
    {
        var before = Console.Error;
        using var errors = new StringWriter();
        Console.SetError(errors);
        var logger = new Hostile(throwsInIsEnabled: true);
        try
        {
            using var process = new TracedProcess(logger: logger);
            Source.StartActivity("work")!.Dispose();
            process.Stop();
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Contains("Tracing stopped: 1 spans started", logger.Text + errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Logger_BlocksAtTheLastLine_LineGoesToStandardErrorOnce()
    {
        var before = Console.Error;
        using var errors = new StringWriter();
        Console.SetError(errors);
        using var logger = new Hostile(throwsInIsEnabled: false);
        try
        {
            var process = new TracedProcess(logger: logger);
            // As in a host: when the host stops, and when the container is disposed of.
            process.Stop();
            process.Dispose();
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Single(errors.ToString().Split('\n'), line => line.Contains("Tracing stopped: 0 spans started", StringComparison.Ordinal));
    }

    private sealed class Hostile(bool throwsInIsEnabled) : ILoggerProvider, ILogger
    {
        private readonly ManualResetEventSlim _over = new();

        public string Text { get; private set; } = "";

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => throwsInIsEnabled ? throw new InvalidOperationException("IsEnabled") : true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = formatter(state, exception);
            Text += text + "\n";
            if (!throwsInIsEnabled && text.StartsWith("Tracing stopped", StringComparison.Ordinal)) _over.Wait(TimeSpan.FromSeconds(60));
        }

        public void Dispose() => _over.Set();
    }
}
