using Elastic.Clients.Elasticsearch;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Elastic.Clients.Elasticsearch", "a CLIENT span of each operation, by the library, and below it that of the HTTP request", SetUp = "[see below](#elasticsearch)", Name = "Elasticsearch")]
public sealed class ElasticsearchTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Get_HasTheOperationAndItsRequest(bool isIgnored)
    {
        using var elastic = ScriptedEndpoint.Start(_ => new(
            Body: """{"_index":"articles","_id":"7","_version":1,"found":true,"_source":{"name":"pen"}}""",
            ContentType: "application/json",
            Headers: new() { ["X-Elastic-Product"] = "Elasticsearch" }));
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                var client = new ElasticsearchClient(new ElasticsearchClientSettings(elastic.Address));
                app.MapGet("/orders", async () => (await client.GetAsync<Article>("articles", "7")).Source!.Name);
            },
            options: o =>
            {
                if (isIgnored) o.Ignore.Sources.Add("Elastic.Transport");
            });
        Assert.Equal("pen", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            isIgnored
                ? """
                SERVER GET /orders
                  CLIENT GET
                """
                : """
                SERVER GET /orders
                  CLIENT get
                    CLIENT GET
                """,
            TraceOutline.Of(spans));
        elastic.AssertNamesClientSpans(spans);
    }

    public sealed class Article
    {
        public string Name { get; set; } = "";
    }
}
