using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Hosting;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("Microsoft.AspNetCore.Mvc.Testing", "those of the application under test; two factories in a process keep theirs apart", Name = "WebApplicationFactory")]
public sealed class WebApplicationFactoryTests
{
    [Fact]
    public async Task TwoFactories_EachHasItsOwnSpans()
    {
        await using var first = await ShopFactory.StartAsync("first");
        await using var second = await ShopFactory.StartAsync("second");
        await GetAsync(first, "/orders/1");
        await GetAsync(second, "/orders/2");
        await GetAsync(first, "/orders/3");

        Assert.Equal(["first /orders/1", "first /orders/3"], Describe(await first.StopAsync()));
        Assert.Equal(["second /orders/2"], Describe(await second.StopAsync()));

        // A request ends a little later than its client has the response, so that the next one may end first.
        static IEnumerable<string> Describe(IReadOnlyList<CollectedSpan> spans) => spans.Select(span => $"{span.Service} {span.Tag("url.path")}").Order();
    }

    [Fact]
    public async Task Request_IsTheTreeOfTheApplication()
    {
        await using var shop = await ShopFactory.StartAsync("shop");
        await GetAsync(shop, "/orders/1");

        Assert.Equal("SERVER GET /orders/{id}", TraceOutline.Of(await shop.StopAsync()));
    }

    private static async Task GetAsync(ShopFactory shop, string path)
    {
        using var client = shop.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "traceparent", TracedApp.Sampled["traceparent: ".Length..] } } };
        (await client.SendAsync(request)).Dispose();
    }

    private sealed class ShopFactory(string name, TestCollector collector) : WebApplicationFactory<WebApplicationFactoryTests>
    {
        public static async Task<ShopFactory> StartAsync(string name) => new(name, await TestCollector.StartAsync());

        public async Task<IReadOnlyList<CollectedSpan>> StopAsync()
        {
            await Services.GetRequiredService<IHost>().StopAsync();
            return collector.Spans;
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await collector.DisposeAsync();
        }

        protected override void ConfigureWebHost(IWebHostBuilder builder) => builder.UseContentRoot(AppContext.BaseDirectory);

        protected override IHostBuilder CreateHostBuilder() => new HostBuilder().ConfigureWebHostDefaults(web => web
            .ConfigureServices(services => services.AddRouting().AddMeshTracing(o =>
            {
                o.ServiceName = name;
                o.Export.Otlp.Endpoint = new Uri(collector.Address + "/v1/traces");
                o.Export.Batch.Interval = TimeSpan.FromHours(1);
            }))
            .Configure(app => app.UseRouting().UseEndpoints(endpoints => endpoints.MapGet("/orders/{id}", (int id) => Results.Ok(id)))));
    }
}
