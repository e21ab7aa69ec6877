using LinqToDB;
using LinqToDB.Async;
using LinqToDB.Data;
using LinqToDB.Mapping;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("linq2db", "those of the driver below it")]
[Collection(Servers.Name)]
public sealed class Linq2DbTests(Servers servers)
{
    [SkippableFact]
    public async Task InsertAndQuery_InARequest_AreItsChildren()
    {
        var options = new DataOptions().UsePostgreSQL(await servers.PostgresAsync());
        await using (var connection = new DataConnection(options)) await connection.CreateTableAsync<Article>();
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await using var connection = new DataConnection(options);
            await connection.InsertAsync(new Article { Id = 1 });
            return await connection.GetTable<Article>().CountAsync();
        }));
        Assert.Equal("1", await app.GetAsync("/orders"));

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [Table("linq2db_articles")]
    public sealed class Article
    {
        [PrimaryKey]
        public int Id { get; set; }
    }
}
