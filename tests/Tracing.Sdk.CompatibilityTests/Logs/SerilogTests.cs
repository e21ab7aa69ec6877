using System.Collections.Concurrent;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Logs;

[WorksWith("Serilog.AspNetCore", "none; `TraceId` and `SpanId` of each event are those of the span around it", Name = "Serilog")]
public sealed class SerilogTests
{
    private const string Tree =
        """
        SERVER GET /orders
          CLIENT shop.Orders/Place
            SERVER shop.Orders/Place
          CLIENT GET
        """;

    [Fact]
    public async Task Events_OfASampledRequest_NameItsSpans()
    {
        var events = new Events();
        await using var work = await StartAsync(events);
        Assert.Equal("", await work.App.GetAsync("/orders"));
        var spans = await work.App.StopAsync();

        Assert.Equal(Tree, TraceOutline.Of(spans));
        LogRecord.AssertNameSpans(events.Records, spans, LoggedWork.Messages);
        Assert.Contains(events.Records, record => record.Source == "Serilog.AspNetCore.RequestLoggingMiddleware" && record.SpanId is not null);
    }

    [Fact]
    public async Task Events_OfAnUnsampledRequest_HaveTheTraceOfTheCaller()
    {
        var events = new Events();
        await using var work = await StartAsync(events);
        await work.App.GetAsync("/orders", TracedApp.NotSampled);
        Assert.Empty(await work.App.StopAsync());

        Assert.All(LoggedWork.Messages, message => Assert.Equal(TracedApp.TraceId, Assert.Single(events.Records, record => record.Message == message).TraceId));
    }

    private static Task<LoggedWork> StartAsync(Events events) =>
        LoggedWork.StartAsync(
            builder => builder.Services.AddSerilog(logger => logger.MinimumLevel.Debug().Enrich.FromLogContext().WriteTo.Sink(events), writeToProviders: true),
            app => app.UseSerilogRequestLogging());

    private sealed class Events : ILogEventSink
    {
        private readonly ConcurrentQueue<LogRecord> _records = new();

        public IReadOnlyList<LogRecord> Records => [.. _records];

        public void Emit(LogEvent logEvent) =>
            _records.Enqueue(new LogRecord(
                logEvent.Properties.TryGetValue("SourceContext", out var source) ? $"{(source as ScalarValue)?.Value}" : "",
                logEvent.RenderMessage(), logEvent.TraceId?.ToString(), logEvent.SpanId?.ToString()));
    }
}
