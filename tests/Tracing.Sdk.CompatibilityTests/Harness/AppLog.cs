using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Keeps what an application logs.</summary>
internal sealed class AppLog : ILoggerProvider
{
    private readonly ConcurrentQueue<(string Category, LogLevel Level, string Message)> _lines = new();

    public IReadOnlyList<(string Category, LogLevel Level, string Message)> Lines => [.. _lines];

    /// <summary>What the library has warned of.</summary>
    public IReadOnlyList<string> Warnings => [.. Lines.Where(line => line.Category == "Tracing.Sdk" && line.Level >= LogLevel.Warning).Select(line => line.Message)];

    /// <summary>What the library has logged last: after the stop, what became of every span.</summary>
    public string LastLine => Lines.Last(line => line.Category == "Tracing.Sdk").Message;

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _lines);

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class Logger(string category, ConcurrentQueue<(string, LogLevel, string)> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue((category, logLevel, formatter(state, exception)));
    }
}
