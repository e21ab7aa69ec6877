using Hangfire;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Jobs;

[WorksWith("Hangfire.InMemory", "none; the calls of a job are roots", SetUp = "a span in the job, see [background work](background-work.md)", Name = "Hangfire")]
public sealed class HangfireTests
{
    [Fact]
    public async Task Job_EnqueuedInARequest_ItsSpanIsARoot()
    {
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                Import.Map(app);
                app.MapGet("/enqueue", (IBackgroundJobClient jobs) => jobs.Enqueue<Import>(import => import.RunInASpanAsync()));
            },
            builder =>
            {
                Import.Add(builder.Services);
                builder.Services.AddHangfire(hangfire => hangfire.UseInMemoryStorage());
                builder.Services.AddHangfireServer(server => server.WorkerCount = 1);
            });
        await app.GetAsync("/enqueue");
        await Import.WaitAsync(app);

        Assert.Equal(
            """
            SERVER GET /enqueue
            root
              INTERNAL import
                CLIENT GET
                  SERVER GET /stock
            """,
            TraceOutline.Of(await app.StopAsync()));
    }
}
