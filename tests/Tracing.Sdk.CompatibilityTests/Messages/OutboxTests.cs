using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.Messages;

namespace Tracing.Sdk.CompatibilityTests.Messages;

/// <summary>An outbox in PostgreSQL: a request writes a row, a loop reads and handles it.</summary>
[Collection(Servers.Name)]
public sealed class OutboxTests(Servers servers)
{
    private static readonly ActivitySource Source = new("Shop.Outbox");

    [SkippableFact]
    public async Task RowsOfRequests_HandledByALoop_AreInTheirTraces()
    {
        await using var database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        await using (var create = database.CreateCommand("CREATE TABLE outbox (id serial, body text, headers text)")) await create.ExecuteNonQueryAsync();
        await using var app = await TracedApp.StartAsync(app =>
        {
            app.MapGet("/orders", () => AddAsync(database, "order"));
            app.MapGet("/stock", () => 1);
        });
        await app.GetAsync("/orders");
        await app.GetAsync("/orders", TracedApp.NotSampled);
        await HandleAllAsync(database, new Uri(app.Address, "/stock"));

        // The loop's own query is in no request's trace.
        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
              CONSUMER send order
                CLIENT GET
                  SERVER GET /stock
            root
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    private static async Task AddAsync(NpgsqlDataSource database, string order)
    {
        var headers = new Dictionary<string, string>();
        MessageTracing.Inject(headers);
        await using var insert = database.CreateCommand("INSERT INTO outbox (body, headers) VALUES ($1, $2)");
        insert.Parameters.AddWithValue(order);
        insert.Parameters.AddWithValue(JsonSerializer.Serialize(headers));
        await insert.ExecuteNonQueryAsync();
    }

    private static async Task HandleAllAsync(NpgsqlDataSource database, Uri receiver)
    {
        using var client = new HttpClient();
        await using var select = database.CreateCommand("SELECT headers FROM outbox ORDER BY id");
        await using var rows = await select.ExecuteReaderAsync();
        while (await rows.ReadAsync())
        {
            using var message = MessageTracing.Receive(Source, "send order", JsonSerializer.Deserialize<Dictionary<string, string>>(rows.GetString(0)));
            await client.GetStringAsync(receiver);
        }
    }
}
