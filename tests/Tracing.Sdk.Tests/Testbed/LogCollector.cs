using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Tests.Testbed;

internal sealed record LogLine(string Category, LogLevel Level, string Message, IReadOnlyDictionary<string, object?> Scope);

/// <summary>Keeps every log line with the scope it was written in.</summary>
internal sealed class LogCollector : ILoggerProvider, ISupportExternalScope
{
    private readonly List<LogLine> _lines = [];
    private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

    public IReadOnlyList<LogLine> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>What the library itself said.</summary>
    public IReadOnlyList<string> OfTracing => [.. Lines.Where(l => l.Category == "Tracing.Sdk").Select(l => l.Message)];

    /// <summary>What the last line says of spans, without what it says of decisions.</summary>
    public string SpansOfLastLine =>
        OfTracing.Single(l => l.StartsWith("Tracing stopped: ", StringComparison.Ordinal))["Tracing stopped: ".Length..].Split("; ")
            .Where(part => !part.Contains("requests and root spans: ", StringComparison.Ordinal)).Aggregate((line, part) => $"{line}; {part}");

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
    }

    private sealed class Logger(LogCollector collector, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => collector._scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var scope = new Dictionary<string, object?>();
            collector._scopes.ForEachScope(
                static (part, all) =>
                {
                    if (part is not IEnumerable<KeyValuePair<string, object?>> pairs) return;
                    foreach (var (key, value) in pairs) all[key] = value;
                },
                scope);
            lock (collector._lines) collector._lines.Add(new LogLine(category, logLevel, formatter(state, exception), scope));
        }
    }
}
