using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("Npgsql", "a CLIENT span of each command, by the library")]
[Collection(Servers.Name)]
public sealed class PostgresTests(Servers servers)
{
    [SkippableFact]
    public async Task Query_InARequest_IsItsChild()
    {
        await using var database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        await using (await database.OpenConnectionAsync())
        {
            // The pool has a connection before the application starts.
        }

        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await using var command = database.CreateCommand("SELECT 1");
            return await command.ExecuteScalarAsync();
        }));
        await app.GetAsync("/orders");

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }
}
