using Microsoft.AspNetCore.Builder;
using Refit;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Refit.HttpClientFactory", "a CLIENT span of each call", Name = "Refit")]
public sealed class RefitTests
{
    public interface ICatalog
    {
        [Get("/articles/{id}")]
        Task<string> GetArticleAsync(int id);
    }

    [Fact]
    public async Task Call_InARequest_IsItsChild()
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", (ICatalog client) => client.GetArticleAsync(7)),
            builder => builder.Services.AddRefitGeneratedClient<ICatalog>().ConfigureHttpClient(client => client.BaseAddress = catalog.Address));
        Assert.Equal("fine", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        catalog.AssertNamesClientSpans(spans);
    }
}
