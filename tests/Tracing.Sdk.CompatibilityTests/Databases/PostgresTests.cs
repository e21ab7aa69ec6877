using Microsoft.AspNetCore.Builder;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("Npgsql", "a CLIENT span of each command, batch and copy, and of each connection that is opened, by the library", SetUp = "nothing; [text of queries](#text-of-queries), [checks and polls](#checks-and-polls-outside-of-requests)")]
[Collection(Servers.Name)]
public sealed class PostgresTests(Servers servers) : IAsyncLifetime
{
    private NpgsqlDataSource? _database;

    private NpgsqlDataSource Database => _database!;

    public async Task InitializeAsync()
    {
        _database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        // The pool has a connection before an application starts.
        await using var command = _database.CreateCommand("CREATE TABLE IF NOT EXISTS articles (id int, name text)");
        await command.ExecuteNonQueryAsync();
    }

    public async Task DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
    }

    [SkippableFact]
    public async Task Query_InARequest_IsItsChild()
    {
        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
            """,
            TraceOutline.Of(await RunAsync(async () =>
            {
                await using var command = Database.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync();
            })));
    }

    [SkippableFact]
    public async Task Query_WithALiteralAndAParameter_TextHasTheLiteral()
    {
        var spans = await RunAsync(async () =>
        {
            await using var command = Database.CreateCommand("SELECT $1 || 'literal'");
            command.Parameters.Add(new NpgsqlParameter { Value = "parameter" });
            await command.ExecuteScalarAsync();
        });

        Assert.Equal("SELECT $1 || 'literal'", Assert.Single(spans, span => span.Kind == "CLIENT").Tag("db.query.text"));
    }

    [SkippableFact]
    public async Task Query_WhoseTextIsRemoved_HasNone()
    {
        var spans = await RunAsync(
            async () =>
            {
                await using var command = Database.CreateCommand("SELECT 'secret'");
                await command.ExecuteScalarAsync();
            },
            options: o => o.Export.RemovedAttributes.Add("db.query.text"));

        Assert.DoesNotContain("secret", string.Join(' ', Assert.Single(spans, span => span.Kind == "CLIENT").Tags.Values));
    }

    [SkippableFact]
    public async Task Batch_OfTwoCommands_IsOneSpan()
    {
        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
            """,
            TraceOutline.Of(await RunAsync(async () =>
            {
                await using var batch = Database.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT 1"));
                batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT 2"));
                await batch.ExecuteNonQueryAsync();
            })));
    }

    [SkippableFact]
    public async Task Transaction_HasTheSpansOfItsCommands()
    {
        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
            """,
            TraceOutline.Of(await RunAsync(async () =>
            {
                await using var connection = await Database.OpenConnectionAsync();
                await using var transaction = await connection.BeginTransactionAsync();
                await using var insert = new NpgsqlCommand("INSERT INTO articles VALUES (1, 'pen')", connection, transaction);
                await insert.ExecuteNonQueryAsync();
                await transaction.CommitAsync();
            })));
    }

    [SkippableFact]
    public async Task Command_ThatFails_IsAnErrorWithTheState()
    {
        var spans = await RunAsync(async () =>
        {
            await using var command = Database.CreateCommand("SELECT * FROM nowhere");
            await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteScalarAsync());
        });

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql !
            """,
            TraceOutline.Of(spans));
        Assert.Equal("42P01", Assert.Single(spans, span => span.Kind == "CLIENT").Tag("db.response.status_code"));
    }

    [SkippableFact]
    public async Task Copy_IsOneSpan()
    {
        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT COPY FROM
            """,
            TraceOutline.Of(await RunAsync(async () =>
            {
                await using var connection = await Database.OpenConnectionAsync();
                await using var import = await connection.BeginBinaryImportAsync("COPY articles FROM STDIN (FORMAT BINARY)");
                await import.WriteRowAsync(CancellationToken.None, 2, "ink");
                await import.CompleteAsync();
            })));
    }

    [SkippableFact]
    public async Task Connection_OpenedInARequest_IsItsChild()
    {
        await using var empty = NpgsqlDataSource.Create(await servers.PostgresAsync());

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT CONNECT postgres
              CLIENT postgresql
            """,
            TraceOutline.Of(await RunAsync(async () =>
            {
                await using var command = empty.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync();
            })));
    }

    [SkippableFact]
    public async Task Commands_ThatShareAConnection_AreInTheirRequests()
    {
        await using var shared = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(await servers.PostgresAsync()) { Multiplexing = true, MaxPoolSize = 1 });
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async (int id) =>
        {
            await using var connection = await shared.OpenConnectionAsync();
            await using var command = new NpgsqlCommand($"SELECT {id}", connection);
            return await command.ExecuteScalarAsync();
        }));
        // The first opens the connection, in the background.
        await app.GetAsync("/orders?id=0", TracedApp.NotSampled);
        await Task.WhenAll(Enumerable.Range(1, 5).Select(id => app.GetAsync($"/orders?id={id}")));
        var spans = await app.StopAsync();

        Assert.Equal(string.Join('\n', Enumerable.Repeat("SERVER GET /orders\n  CLIENT postgresql", 5)), TraceOutline.Of(spans));
    }

    [SkippableFact]
    public async Task Notifications_ThatAreAwaited_HaveNoSpans()
    {
        var heard = new Signal("The notification is not heard");
        await using var listener = await Database.OpenConnectionAsync();
        listener.Notification += (_, _) => heard.Set();
        await using (var listen = new NpgsqlCommand("LISTEN orders", listener)) await listen.ExecuteNonQueryAsync();
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await using var notify = Database.CreateCommand("NOTIFY orders");
            await notify.ExecuteNonQueryAsync();
        }));
        var waiting = listener.WaitAsync();
        await app.GetAsync("/orders");
        await heard.WaitAsync();
        await waiting;

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT CONNECT postgres
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task Pool_ThatPrunesAndPings_MakesNoRoots()
    {
        var connectionString = new NpgsqlConnectionStringBuilder(await servers.PostgresAsync()) { ConnectionIdleLifetime = 1, ConnectionPruningInterval = 1, KeepAlive = 1 };
        await using var pool = NpgsqlDataSource.Create(connectionString);
        int process;
        await using (var connection = await pool.OpenConnectionAsync()) process = connection.ProcessID;
        await using var app = await TracedApp.StartAsync(_ => { });
        // The pool closes the connection once it was idle for a second.
        await using var count = Database.CreateCommand($"SELECT count(*) FROM pg_stat_activity WHERE pid = {process}");
        var left = await Polling.UntilAsync(() => count.ExecuteScalarAsync(), left => left is 0L);
        Assert.True(left is 0L, "The pool does not close its idle connection within a minute.");
        var spans = await app.StopAsync();

        Assert.NotEmpty(spans);
        Assert.All(spans, span => Assert.Equal(count.CommandText, span.Tag("db.query.text")));
    }

    [SkippableFact]
    public async Task Query_InAnUnsampledRequest_HasNoSpan()
    {
        Assert.Empty(await RunAsync(
            async () =>
            {
                await using var command = Database.CreateCommand("SELECT 1");
                await command.ExecuteScalarAsync();
            },
            TracedApp.NotSampled));
    }

    private static async Task<IReadOnlyList<CollectedSpan>> RunAsync(Func<Task> work, string header = TracedApp.Sampled, Action<MeshTracingOptions>? options = null)
    {
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", work), options: options);
        await app.GetAsync("/orders", header);
        return await app.StopAsync();
    }
}
