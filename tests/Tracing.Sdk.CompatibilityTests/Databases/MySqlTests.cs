using Microsoft.AspNetCore.Builder;
using MySqlConnector;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("MySqlConnector", "a CLIENT span of each command, commit and connection taken from the pool, by the library", SetUp = "nothing; [text of queries](#text-of-queries)")]
[Collection(Servers.Name)]
public sealed class MySqlTests(Servers servers)
{
    [SkippableFact]
    public async Task Query_InARequest_IsItsChild()
    {
        await using var database = new MySqlDataSource(await servers.MariaDbAsync());
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await using var connection = await database.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new MySqlCommand("SELECT @id", connection, transaction);
            command.Parameters.AddWithValue("@id", 1);
            await command.ExecuteScalarAsync();
            await transaction.CommitAsync();
        }));
        await app.GetAsync("/orders");

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT Open
              CLIENT Execute
              CLIENT Commit
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task Query_InAnUnsampledRequest_HasNoSpan()
    {
        await using var database = new MySqlDataSource(await servers.MariaDbAsync());
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await using var command = database.CreateCommand("SELECT 1");
            return await command.ExecuteScalarAsync();
        }));
        Assert.Equal("1", await app.GetAsync("/orders", TracedApp.NotSampled));

        Assert.Empty(await app.StopAsync());
    }
}
