using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Serilog;
using Tracing.Sdk.CompatibilityTests.Calls;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Logs;

[WorksWith("Serilog.Sinks.Seq", "none of its exports", Name = "Serilog")]
public sealed class SerilogSeqTests
{
    [Fact]
    public async Task Exports_MakeNoSpans()
    {
        using var seq = ScriptedEndpoint.Start("{}", "application/json");
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async (ILogger<SerilogSeqTests> logger) =>
            {
                logger.LogInformation("hello");
                await Log.CloseAndFlushAsync();
            }),
            builder =>
            {
                Log.Logger = new LoggerConfiguration().WriteTo.Seq(seq.Address.ToString()).CreateLogger();
                builder.Services.AddSerilog();
            });
        await app.GetAsync("/orders");

        Assert.Equal("SERVER GET /orders", TraceOutline.Of(await app.StopAsync()));
        Assert.Contains(seq.Requests, request => request.Body.Contains(TracedApp.TraceId, StringComparison.Ordinal));
    }
}
