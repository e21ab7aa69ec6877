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
        var done = new Done();
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                done.Stock = () => new Uri(app.Urls.First() + "/stock");
                app.MapGet("/stock", () => "7");
                app.MapGet("/enqueue", (IBackgroundJobClient jobs) => jobs.Enqueue<Import>(import => import.RunAsync()));
            },
            builder =>
            {
                builder.Services.AddSingleton(done).AddHttpClient();
                builder.Services.AddHangfire(hangfire => hangfire.UseInMemoryStorage());
                builder.Services.AddHangfireServer(server => server.WorkerCount = 1);
            });
        await app.GetAsync("/enqueue");
        await done.Task.WaitAsync(TimeSpan.FromMinutes(1));

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

    private sealed class Done() : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public Func<Uri>? Stock { get; set; }
    }

    private sealed class Import(Done done, IHttpClientFactory clients)
    {
        public async Task RunAsync()
        {
            using (JobSpans.Source.StartActivity("import")) await clients.CreateClient().GetStringAsync(done.Stock!());
            done.SetResult();
        }
    }
}
