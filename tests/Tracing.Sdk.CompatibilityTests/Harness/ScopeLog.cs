using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Keeps what the scopes of each line say about its span, as a provider with <c>IncludeScopes</c> does.</summary>
internal sealed class ScopeLog : ILoggerProvider, ISupportExternalScope
{
    private readonly ConcurrentQueue<LogRecord> _records = new();
    private IExternalScopeProvider? _scopes;

    public IReadOnlyList<LogRecord> Records => [.. _records];

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class Logger(ScopeLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var ids = new Dictionary<string, string>();
            log._scopes?.ForEachScope(
                static (scope, ids) =>
                {
                    if (scope is not IEnumerable<KeyValuePair<string, object?>> values) return;
                    foreach (var (key, value) in values) ids[key] = $"{value}";
                },
                ids);
            log._records.Enqueue(new LogRecord(category, formatter(state, exception), ids.GetValueOrDefault("TraceId"), ids.GetValueOrDefault("SpanId")));
        }
    }
}
