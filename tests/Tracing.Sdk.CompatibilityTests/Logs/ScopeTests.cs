using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Logs;

public sealed class ScopeTests
{
    [Fact]
    public async Task Scopes_OfASampledRequest_NameItsSpans()
    {
        using var log = new ScopeLog();
        await using var work = await LoggedWork.StartAsync(builder => builder.Logging.AddProvider(log));
        await work.App.GetAsync("/orders");

        LogRecord.AssertNameSpans(log.Records, await work.App.StopAsync(), LoggedWork.Messages);
    }

    [Fact]
    public async Task Scopes_OfAnUnsampledRequest_HaveTheTraceOfTheCaller()
    {
        using var log = new ScopeLog();
        await using var work = await LoggedWork.StartAsync(builder => builder.Logging.AddProvider(log));
        await work.App.GetAsync("/orders", TracedApp.NotSampled);
        Assert.Empty(await work.App.StopAsync());

        Assert.All(LoggedWork.Messages, message => Assert.Equal(TracedApp.TraceId, Assert.Single(log.Records, record => record.Message == message).TraceId));
    }

    // As a provider with IncludeScopes does.
    private sealed class ScopeLog : ILoggerProvider, ISupportExternalScope
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
}
