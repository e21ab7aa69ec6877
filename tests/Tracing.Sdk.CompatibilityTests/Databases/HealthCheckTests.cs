using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("AspNetCore.HealthChecks.NpgSql", "none below a health endpoint; roots by Npgsql where an `IHealthCheckPublisher` runs the checks", SetUp = "for a publisher, [leave out roots](#checks-and-polls-outside-of-requests)", Name = "AspNetCore.HealthChecks")]
[Collection(Servers.Name)]
public sealed class HealthCheckTests(Servers servers)
{
    [SkippableFact]
    public async Task Checks_OfAnEndpoint_AreLeftOut()
    {
        await using var database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        await using var app = await TracedApp.StartAsync(
            app => app.MapHealthChecks("/status"),
            builder => builder.Services.AddHealthChecks().AddNpgSql(_ => database));
        Assert.Equal("Healthy", await app.GetAsync("/status"));

        Assert.Empty(await app.StopAsync());
    }

    [SkippableFact]
    public async Task Checks_OfAPublisher_AreRoots()
    {
        Assert.Equal(
            """
            root
              CLIENT postgresql
            """,
            await PublishAsync());
    }

    [SkippableFact]
    public async Task Checks_OfAPublisherWhereRootsAreLeftOut_HaveNoSpans()
    {
        Assert.Equal("", await PublishAsync(o => o.Ignore.RootSources.Add("Npgsql")));
    }

    private async Task<string> PublishAsync(Action<MeshTracingOptions>? options = null)
    {
        await using var database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        await using (await database.OpenConnectionAsync())
        {
            // The pool has a connection before the application starts.
        }

        var publisher = new Publisher();
        await using var app = await TracedApp.StartAsync(
            _ => { },
            builder =>
            {
                builder.Services.AddHealthChecks().AddNpgSql(_ => database);
                builder.Services.AddSingleton<IHealthCheckPublisher>(publisher);
                builder.Services.Configure<HealthCheckPublisherOptions>(o => (o.Delay, o.Period) = (TimeSpan.Zero, TimeSpan.FromHours(1)));
            },
            options);
        await publisher.Published.WaitAsync();
        return TraceOutline.Of(await app.StopAsync());
    }

    private sealed class Publisher : IHealthCheckPublisher
    {
        public Signal Published { get; } = new("No report is published");

        public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
        {
            Published.Set();
            return Task.CompletedTask;
        }
    }
}
