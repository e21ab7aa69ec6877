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
        var done = new Done();
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                done.Stock = () => new Uri(app.Urls.First() + "/stock");
                app.MapGet("/stock", () => "7");
                app.MapGet("/enqueue", (IQueue queue) => queue.QueueInvocable<Import>());
            },
            builder =>
            {
                builder.Configuration["Coravel:Queue:ConsummationDelay"] = "1";
                builder.Services.AddSingleton(done).AddTransient<Import>().AddQueue().AddHttpClient();
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

    private sealed class Import(Done done, IHttpClientFactory clients) : IInvocable
    {
        public async Task Invoke()
        {
            using (JobSpans.Source.StartActivity("import")) await clients.CreateClient().GetStringAsync(done.Stock!());
            done.SetResult();
        }
    }
}
