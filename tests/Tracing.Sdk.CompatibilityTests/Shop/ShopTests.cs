using MeshDemo.Processes;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Shop;

[Collection(Servers.Name)]
public sealed class ShopTests(Servers servers)
{
    private const string UnsampledTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [SkippableFact]
    public async Task Orders_SampledAndNot_AreOneTreeAndNone()
    {
        await using var collector = await TestCollector.StartAsync();
        await using var others = await OtlpInbox.StartAsync();
        var settings = await SettingsAsync(collector, others);
        var services = ShopServices.Names.Select(name => Start(name, settings)).ToList();
        try
        {
            await Task.WhenAll(services.Select(service => service.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal) ? line : null, "start", Patience.Limit, CancellationToken.None)));
            Assert.Equal("Order 1", await OrderAsync(settings, $"00-{TracedApp.TraceId}-{TracedApp.CallerId}-01"));
            await others.WaitForLogAsync("order 1 is on its way");
            Assert.Equal("Order 2", await OrderAsync(settings, $"00-{UnsampledTraceId}-{TracedApp.CallerId}-00"));
            await others.WaitForLogAsync("order 2 is on its way");
        }
        finally
        {
            // Each sends what it has left.
            await Task.WhenAll(services.Select(service => service.DisposeAsync().AsTask()));
        }

        var spans = collector.Spans;
        Assert.Equal(
            """
            SERVER GET /{**rest}
              CLIENT GET
                SERVER GET /orders/{Article}
                  CLIENT shop.Orders/Place
                    SERVER shop.Orders/Place
                      CLIENT GET
                        SERVER GET /stock/{article}
                          CLIENT CONNECT shop
                          CLIENT postgresql
                      CLIENT CONNECT shop
                      CLIENT postgresql
                      PRODUCER Tracing.Sdk.CompatibilityTests.Shop:OrderPlaced send
                        PRODUCER publish
                          CONSUMER deliver
                        CONSUMER OrderPlaced receive
                          CONSUMER OrderPlaced process
                            CLIENT POST
                              SERVER POST /payments
                            PRODUCER publish paid
                              CONSUMER deliver paid
                                CLIENT shop.Notices/Send
                                  SERVER shop.Notices/Send
            """,
            TrimLines(TraceOutline.Of([.. spans.Where(span => span.TraceId == TracedApp.TraceId)])));
        // Blazor's own span of a navigation begins a trace.
        Assert.DoesNotContain(spans, span => span.TraceId != TracedApp.TraceId && !span.Name.StartsWith("Route /orders/", StringComparison.Ordinal));
        Assert.Contains(others.Requests, request => request.Path == "/v1/metrics");
        LogRecord.AssertNameSpans([.. others.Logs.Where(record => record.TraceId != UnsampledTraceId)], spans, ["order 1 is placed", "order 1 is paid", "order 1 is noticed", "order 1 is on its way"]);
        Assert.All(
            ["order 2 is placed", "order 2 is paid", "order 2 is noticed", "order 2 is on its way"],
            message => Assert.Equal(UnsampledTraceId, Assert.Single(others.Logs, record => record.Message == message).TraceId));
    }

    private static async Task<string> OrderAsync(Dictionary<string, string> settings, string traceParent)
    {
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        using var request = new HttpRequestMessage(HttpMethod.Get, settings["Shop__gateway"] + "/orders/pen");
        request.Headers.Add("traceparent", traceParent);
        using var response = await client.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }

    // The exchange of MassTransit has no name for RabbitMQ.Client: a blank is what is left at the end.
    private static string TrimLines(string text) => string.Join('\n', text.Split('\n').Select(line => line.TrimEnd()));

    private async Task<Dictionary<string, string>> SettingsAsync(TestCollector collector, OtlpInbox others)
    {
        var settings = new Dictionary<string, string>
        {
            ["Shop__Postgres"] = new NpgsqlConnectionStringBuilder(await servers.PostgresAsync()) { Database = "shop" }.ConnectionString,
            ["Shop__Redis"] = await servers.RedisAsync(),
            ["Shop__RabbitMq"] = (await servers.RabbitMqAsync()).ToString(),
            ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = collector.Address + "/v1/traces",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = others.Http.ToString(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
        };
        foreach (var name in ShopServices.Names) settings[$"Shop__{name}"] = "http://" + LocalPort.Address(LocalPort.Free());
        await CreateDatabaseAsync(settings["Shop__Postgres"]);
        return settings;
    }

    private static ChildProcess Start(string name, Dictionary<string, string> settings) =>
        ChildProcess.Start(name, "dotnet", [typeof(ShopTests).Assembly.Location, name], new Dictionary<string, string>(settings) { ["OTEL_SERVICE_NAME"] = name });

    private static async Task CreateDatabaseAsync(string connectionString)
    {
        var maintenance = new NpgsqlConnectionStringBuilder(connectionString) { Database = "postgres" };
        await using (var database = NpgsqlDataSource.Create(maintenance))
        {
            await using var create = database.CreateCommand("CREATE DATABASE shop");
            await create.ExecuteNonQueryAsync();
        }

        await using var shop = NpgsqlDataSource.Create(connectionString);
        await using var tables = shop.CreateCommand("""CREATE TABLE "Orders" ("Id" bigint GENERATED BY DEFAULT AS IDENTITY, "Article" text NOT NULL)""");
        await tables.ExecuteNonQueryAsync();
    }
}
