using Microsoft.Playwright;
using Tracing.Sdk.IntegrationTests.Mesh;
using Tracing.Sdk.IntegrationTests.Page;

namespace Tracing.Sdk.IntegrationTests.Aspire;

/// <summary>Services with nothing but AddMeshTracing(), and what Aspire's dashboard makes of their spans and Envoy's.</summary>
[Collection(AspireSuite.Name)]
public sealed class DashboardTests(DashboardFixture aspire, BrowserFixture browser) : IClassFixture<DashboardFixture>, IClassFixture<BrowserFixture>
{
    [SkippableFact]
    public async Task RequestThroughTheMesh_IsOneTree()
    {
        aspire.Require();
        var traceId = (await aspire.Mesh.GetOrderAsync()).One("x-trace-id")!;
        var spans = await aspire.WaitForTraceAsync(traceId, SampleTests.SpansOfOrderTree);

        SpanOutline.AssertEqual(SampleTests.OrderTree, spans, () => aspire.Mesh.Logs);
    }

    [SkippableFact]
    public async Task TracePage_HasARowForEachSpan()
    {
        aspire.Require();
        Skip.If(browser.Browser is null, BrowserFixture.NoBrowser);
        var traceId = (await aspire.Mesh.GetOrderAsync()).One("x-trace-id")!;
        await aspire.WaitForTraceAsync(traceId, SampleTests.SpansOfOrderTree);

        // High enough for all rows: the page makes only those that can be seen.
        var page = await browser.Browser.NewPageAsync(new() { ViewportSize = new() { Width = 1600, Height = 2000 } });
        await page.GotoAsync(aspire.Dashboard.TracePage(traceId).ToString());
        await Assertions.Expect(page.Locator("tr .span-bar")).ToHaveCountAsync(SampleTests.SpansOfOrderTree, new() { Timeout = 60_000 });

        // In the order of the tree.
        var services = SampleTests.OrderTree.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim().Split(' ')[0]);
        Assert.Equal(services, (await page.Locator("tr .resource-name").AllTextContentsAsync()).Select(name => name.Trim()));
    }
}
