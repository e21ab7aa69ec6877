using Dapper;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("Dapper", "those of the driver below it")]
[Collection(Servers.Name)]
public sealed class DapperTests(Servers servers)
{
    [SkippableFact]
    public async Task Queries_InARequest_AreItsChildren()
    {
        await using var database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        await using (await database.OpenConnectionAsync())
        {
            // The pool has a connection before the application starts.
        }

        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await using var connection = await database.OpenConnectionAsync();
            await connection.QuerySingleAsync<int>("SELECT @id", new { id = 1 });
            using var two = await connection.QueryMultipleAsync("SELECT 1; SELECT 2");
            return await two.ReadSingleAsync<int>() + await two.ReadSingleAsync<int>();
        }));
        Assert.Equal("3", await app.GetAsync("/orders"));

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }
}
