using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace DataService;

/// <summary>The shop's SQLite database, and a span for each query.</summary>
internal sealed class ShopDatabase(IConfiguration configuration, ILogger<ShopDatabase> log)
{
    // AddMeshTracing listens to every source of the process: nothing else has to be registered.
    private static readonly ActivitySource Source = new("DataService.Database");

    private readonly string _connectionString = new SqliteConnectionStringBuilder
    {
        DataSource = configuration["Database:Path"] ?? "shop.db",
    }.ToString();

    /// <summary>Creates the tables and their rows, unless they are there from an earlier start.</summary>
    public async Task CreateAsync()
    {
        await using var connection = new SqliteConnection(_connectionString);
        await connection.OpenAsync();

        using var exists = connection.CreateCommand();
        exists.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'orders'";
        if (await exists.ExecuteScalarAsync() is not 0L)
            return;

        using var seed = connection.CreateCommand();
        seed.CommandText = """
            BEGIN;
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), placed_on TEXT NOT NULL);
            CREATE TABLE order_lines (
                order_id INTEGER NOT NULL REFERENCES orders (id), product TEXT NOT NULL, quantity INTEGER NOT NULL, cents INTEGER NOT NULL);
            CREATE INDEX order_lines_of_order ON order_lines (order_id);

            INSERT INTO customers VALUES (1, 'Ada', 'London'), (2, 'Grace', 'New York'), (3, 'Edsger', 'Rotterdam');
            INSERT INTO orders VALUES (1, 1, '2026-03-02'), (2, 2, '2026-03-05'), (3, 1, '2026-04-17'), (4, 3, '2026-05-11');
            INSERT INTO order_lines VALUES
                (1, 'Notebook', 3, 450), (1, 'Fountain pen', 1, 2900), (2, 'Moth trap', 1, 1250),
                (3, 'Ink', 2, 799), (3, 'Blotting paper', 10, 35), (4, 'Map of the railways', 1, 1600);
            COMMIT;
            """;
        await seed.ExecuteNonQueryAsync();
        log.LogInformation("Created the database at {Path}", connection.DataSource);
    }

    public async Task<Order?> FindOrderAsync(int id, CancellationToken cancellation) => (await QueryAsync(
        "SELECT", "orders", "SELECT id, customer_id, placed_on FROM orders WHERE id = $id", id,
        row => new Order(row.GetInt32(0), row.GetInt32(1), row.GetString(2)), cancellation)).SingleOrDefault();

    public Task<List<OrderLine>> FindLinesAsync(int orderId, CancellationToken cancellation) => QueryAsync(
        "SELECT", "order_lines", "SELECT product, quantity, cents FROM order_lines WHERE order_id = $id", orderId,
        row => new OrderLine(row.GetString(0), row.GetInt32(1), row.GetInt64(2) / 100m), cancellation);

    public async Task<Customer?> FindCustomerAsync(int id, CancellationToken cancellation) => (await QueryAsync(
        "SELECT", "customers", "SELECT id, name, city FROM customers WHERE id = $id", id,
        row => new Customer(row.GetInt32(0), row.GetString(1), row.GetString(2)), cancellation)).SingleOrDefault();

    public async Task<long> CountSlowlyAsync(CancellationToken cancellation) => (await QueryAsync(
        "SELECT", "numbers",
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $id) SELECT sum(n) FROM numbers", 1_000_000,
        row => row.GetInt64(0), cancellation)).Single();

    public Task<List<long>> ReadFromMissingTableAsync(CancellationToken cancellation) => QueryAsync(
        "SELECT", "refunds", "SELECT id FROM refunds WHERE id = $id", 1, row => row.GetInt64(0), cancellation);

    // The span is what https://opentelemetry.io/docs/specs/semconv/database/database-spans/ asks for. The text of the query is safe to
    // record because its values are parameters.
    private async Task<List<T>> QueryAsync<T>(
        string operation, string table, string sql, int id, Func<SqliteDataReader, T> read, CancellationToken cancellation)
    {
        using var activity = Source.StartActivity($"{operation} {table}", ActivityKind.Client);
        activity?.SetTag("db.system.name", "sqlite");
        activity?.SetTag("db.namespace", "shop");
        activity?.SetTag("db.operation.name", operation);
        activity?.SetTag("db.collection.name", table);
        activity?.SetTag("db.query.text", sql);
        activity?.SetTag("db.query.summary", $"{operation} {table}");

        try
        {
            await using var connection = new SqliteConnection(_connectionString);
            await connection.OpenAsync(cancellation);
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.Parameters.AddWithValue("$id", id);

            var rows = new List<T>();
            await using var reader = await command.ExecuteReaderAsync(cancellation);
            while (await reader.ReadAsync(cancellation))
                rows.Add(read(reader));
            log.LogInformation("{Operation} {Table} returned {Rows} rows", operation, table, rows.Count);
            return rows;
        }
        catch (SqliteException e)
        {
            activity?.SetTag("db.response.status_code", e.SqliteErrorCode.ToString(System.Globalization.CultureInfo.InvariantCulture));
            activity?.SetTag("error.type", e.SqliteErrorCode.ToString(System.Globalization.CultureInfo.InvariantCulture));
            activity?.SetStatus(ActivityStatusCode.Error, e.Message);
            throw;
        }
    }
}
