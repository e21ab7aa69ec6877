using NLog;
using NLog.Extensions.Logging;
using NLog.Targets;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Logs;

[WorksWith("NLog.Web.AspNetCore", "none; `${scopeproperty:TraceId}` and `SpanId` are those of the span around it", Name = "NLog")]
public sealed class NLogTests
{
    [Fact]
    public async Task Events_OfASampledRequest_NameItsSpans()
    {
        var events = new MemoryTarget("memory") { Layout = "${logger}|${message}|${scopeproperty:TraceId}|${scopeproperty:SpanId}" };
        using var logging = new LogFactory();
        logging.Setup().LoadConfiguration(configure => configure.ForLogger().WriteTo(events));
        await using var work = await LoggedWork.StartAsync(builder => builder.Logging.AddNLog(logging.Configuration!, new NLogProviderOptions { IncludeActivityIdsWithBeginScope = true }));
        await work.App.GetAsync("/orders");
        var spans = await work.App.StopAsync();
        var records = events.Logs.Select(line => line.Split('|')).Select(part => new LogRecord(part[0], part[1], part[^2], part[^1])).ToList();

        LogRecord.AssertNameSpans(records, spans, LoggedWork.Messages);
    }
}
