using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("HttpClient, IHttpClientFactory", "a CLIENT span of each call", IsPlatform = true)]
public sealed class HttpClientTests
{
    [Fact]
    public async Task Clients_ByNameByTypeAndByHand_HaveOneSpanEach()
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async (IHttpClientFactory clients, Catalog typed, HttpClient single) =>
            {
                await clients.CreateClient("catalog").GetStringAsync("by-name");
                await typed.GetAsync();
                await single.GetStringAsync(new Uri(catalog.Address, "by-hand"));
            }),
            builder =>
            {
                builder.Services.AddHttpClient("catalog", client => client.BaseAddress = catalog.Address);
                builder.Services.AddHttpClient<Catalog>(client => client.BaseAddress = catalog.Address);
                builder.Services.AddSingleton(_ => new HttpClient());
            });
        Assert.Equal("", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET
              CLIENT GET
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        Assert.Equal(["/by-name", "/by-type", "/by-hand"], catalog.Requests.Select(request => request.Path));
        catalog.AssertNamesClientSpans(spans);
    }

    private sealed class Catalog(HttpClient client)
    {
        public Task<string> GetAsync() => client.GetStringAsync("by-type");
    }
}
