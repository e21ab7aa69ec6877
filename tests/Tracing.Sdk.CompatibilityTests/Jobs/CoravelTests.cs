using Coravel;
using Coravel.Invocable;
using Coravel.Queuing.Interfaces;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Jobs;

[WorksWith("Coravel", "none; the calls of a job are roots", SetUp = "a span in the job, see [background work](background-work.md)")]
public sealed class CoravelTests
{
    [Fact]
    public async Task Job_QueuedInARequest_ItsSpanIsARoot()
    {
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                Import.Map(app);
                app.MapGet("/enqueue", (IQueue queue) => queue.QueueInvocable<Job>());
            },
            builder =>
            {
                builder.Configuration["Coravel:Queue:ConsummationDelay"] = "1";
                Import.Add(builder.Services);
                builder.Services.AddTransient<Job>().AddQueue();
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

    private sealed class Job(Import import) : IInvocable
    {
        public Task Invoke() => import.RunInASpanAsync();
    }
}
