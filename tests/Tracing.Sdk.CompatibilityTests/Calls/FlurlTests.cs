using Flurl.Http;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Flurl.Http", "a CLIENT span of each call", Name = "Flurl")]
public sealed class FlurlTests
{
    [Fact]
    public async Task Call_InARequest_IsItsChild()
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", () => $"{catalog.Address}articles/7".GetStringAsync()));
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
