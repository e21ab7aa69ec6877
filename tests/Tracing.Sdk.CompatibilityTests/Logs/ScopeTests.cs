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
}
