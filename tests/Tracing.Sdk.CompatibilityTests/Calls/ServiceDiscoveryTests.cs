using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Microsoft.Extensions.ServiceDiscovery", "a CLIENT span of each call", Name = "ServiceDiscovery")]
public sealed class ServiceDiscoveryTests
{
    [Theory]
    [InlineData("http://catalog")]
    [InlineData("https+http://catalog")]
    public async Task Call_ToADiscoveredService_IsOneSpan(string address)
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", (IHttpClientFactory clients) => clients.CreateClient("catalog").GetStringAsync("articles/7")),
            builder =>
            {
                builder.Configuration.AddInMemoryCollection([new("Services:catalog:http:0", catalog.Address.ToString())]);
                builder.Services.AddServiceDiscovery();
                builder.Services.AddHttpClient("catalog", client => client.BaseAddress = new Uri(address)).AddServiceDiscovery();
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
