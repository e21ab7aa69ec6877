using Microsoft.AspNetCore.Builder;
using RestSharp;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("RestSharp", "a CLIENT span of each call")]
public sealed class RestSharpTests
{
    [Fact]
    public async Task Call_InARequest_IsItsChild()
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await TracedApp.StartAsync(app =>
        {
            var client = new RestClient(catalog.Address);
            app.Lifetime.ApplicationStopped.Register(client.Dispose);
            app.MapGet("/orders", async () => (await client.ExecuteGetAsync(new RestRequest("articles/7"))).Content);
        });
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
