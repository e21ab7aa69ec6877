using Microsoft.AspNetCore.Builder;
using Quartz;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Jobs;

[WorksWith(
    "Quartz.Extensions.Hosting", "a root for each job, linked to the request that triggered it; the scheduler's own access to the job store is left out",
    SetUp = "nothing; a job store in a database: `Ignore:RootSources` with its source, as `Npgsql`", Name = "Quartz")]
[Collection(Servers.Name)]
public sealed class QuartzTests(Servers servers)
{
    // What the application adds when it starts is a root too.
    private const string Tree =
        """
        SERVER GET /run
          CLIENT Quartz.JobStore.AddTrigger
        root
          CLIENT Quartz.JobStore.AddJob
        root
          INTERNAL Quartz.Job.Execute
            CLIENT GET
              SERVER GET /stock
        """;

    [Fact]
    public async Task Jobs_InMemory_AreRootsAndItsPollsAreNone()
    {
        var spans = await RunAsync(quartz => quartz.UseInMemoryStore());

        Assert.Equal(Tree, TraceOutline.Of(spans));
        var (request, job) = (spans.Single(s => s.Name == "GET /run"), spans.Single(s => s.Name == "Quartz.Job.Execute"));
        Assert.Equal(request.TraceId, job.Links.Single().TraceId);
    }

    [SkippableFact]
    public async Task Jobs_InPostgres_AreRootsAndTheCommandsOfItsPollsAreNone()
    {
        var connection = await servers.PostgresAsync();
        var spans = await RunAsync(
            quartz => quartz.UsePersistentStore(store =>
            {
                store.UsePostgres(connection);
                store.ProvisionSchema();
                store.UseClustering(cluster => cluster.CheckinInterval = TimeSpan.FromSeconds(1));
            }),
            options => options.Ignore.RootSources.Add("Npgsql"));

        Assert.Equal(Tree, TraceOutline.Of([.. spans.Where(span => !span.Tags.ContainsKey("db.system.name"))]));
    }

    private static async Task<IReadOnlyList<CollectedSpan>> RunAsync(Action<IQuartzBuilder> store, Action<MeshTracingOptions>? options = null)
    {
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                Import.Map(app);
                app.MapGet("/run", async (ISchedulerFactory factory) => await (await factory.GetScheduler()).TriggerJob(new JobKey("import")));
            },
            builder =>
            {
                Import.Add(builder.Services);
                builder.Services.AddQuartz(quartz =>
                {
                    store(quartz);
                    quartz.AddJob<Job>(job => job.WithIdentity("import").StoreDurably());
                });
                builder.Services.AddQuartzHostedService(host => host.WaitForJobsToComplete = true);
            },
            options);
        await app.GetAsync("/run");
        await Import.WaitAsync(app);
        await app.WaitForPollsAsync(3);
        return await app.StopAsync();
    }

    private sealed class Job(Import import) : IJob
    {
        public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken) => await import.RunAsync();
    }
}
