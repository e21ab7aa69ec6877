using System.Globalization;
using System.Text;
using Microsoft.Playwright;

namespace Tracing.Sdk.IntegrationTests.Page;

/// <summary>The demo's page in a real browser.</summary>
public sealed class WaterfallPageTests(BrowserFixture fixture) : IClassFixture<BrowserFixture>
{
    // An order: 100 ms in all, two calls of which the second fails. Ids are the test's own, so that tests do not see each other's traces.
    private const string Order = """
        [
          {"traceId":"$TRACE","id":"00000000000000a1","kind":"SERVER","name":"ingress","timestamp":1790000000000000,"duration":100000,
            "localEndpoint":{"serviceName":"front-envoy"},"tags":{"http.status_code":"500"}},
          {"traceId":"$TRACE","id":"00000000000000b1","parentId":"00000000000000a1","kind":"SERVER","name":"GET /orders/{id}","timestamp":1790000000010000,"duration":80000,
            "localEndpoint":{"serviceName":"api-service"},"tags":{"url.path":"/orders/1","http.request.method":"GET"}},
          {"traceId":"$TRACE","id":"00000000000000c1","parentId":"00000000000000b1","kind":"CLIENT","name":"GET","timestamp":1790000000020000,"duration":30000,
            "localEndpoint":{"serviceName":"api-service"}},
          {"traceId":"$TRACE","id":"00000000000000d1","parentId":"00000000000000c1","kind":"SERVER","name":"GET /customers/{id}","timestamp":1790000000025000,"duration":20000,
            "localEndpoint":{"serviceName":"data-service"},"tags":{"user.text":"<img src=x onerror=alert(1)>"}},
          {"traceId":"$TRACE","id":"00000000000000c2","parentId":"00000000000000b1","kind":"CLIENT","name":"GET","timestamp":1790000000050000,"duration":40000,
            "localEndpoint":{"serviceName":"api-service"},"tags":{"error":"true","http.response.status_code":"500"}}
        ]
        """;

    [SkippableFact]
    public async Task Open_OneTrace_ShowsABarForEachSpan()
    {
        var page = await OpenAsync("000000000000000000000000000000a1", 1280);

        Assert.Equal(5, await page.Locator(".bar").CountAsync());
    }

    [SkippableFact]
    public async Task Open_OneTrace_NestsTheSpansAsTheTreeIs()
    {
        var page = await OpenAsync("000000000000000000000000000000a2", 1280);

        var parents = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-span-id]')].map(item =>
              item.dataset.spanId.slice(-2) + ' in ' + (item.parentElement.closest('[data-span-id]')?.dataset.spanId.slice(-2) ?? 'none'))
            """);
        Assert.Equal(["a1 in none", "b1 in a1", "c1 in b1", "d1 in c1", "c2 in b1"], parents);
    }

    [SkippableTheory]
    [InlineData(1280)]
    [InlineData(400)]
    public async Task Open_OneTrace_PutsEveryBarWhereItsTimesSay(int width)
    {
        var page = await OpenAsync("000000000000000000000000000000a3", width);

        var bars = await page.EvaluateAsync<double[][]>("""
            () => [...document.querySelectorAll('.bar')].map(bar => {
              const [inner, outer] = [bar.getBoundingClientRect(), bar.parentElement.getBoundingClientRect()];
              return [(inner.left - outer.left) / outer.width, inner.width / outer.width];
            })
            """);
        double[][] expected = [[0, 1], [0.1, 0.8], [0.2, 0.3], [0.25, 0.2], [0.5, 0.4]];
        Assert.Equal(expected.Length, bars.Length);
        // A pixel of some 350.
        Assert.All(expected.Zip(bars), pair => Assert.All(pair.First.Zip(pair.Second), numbers => Assert.Equal(numbers.First, numbers.Second, 0.004)));
    }

    [SkippableFact]
    public async Task Open_OneTrace_NamesEveryDuration()
    {
        var page = await OpenAsync("000000000000000000000000000000a4", 1280);

        Assert.Equal(["100 ms", "80.0 ms", "30.0 ms", "20.0 ms", "40.0 ms"], await page.Locator(".row .end .number").AllTextContentsAsync());
    }

    [SkippableFact]
    public async Task Open_OneTrace_MarksTheSpanThatFailed()
    {
        var page = await OpenAsync("000000000000000000000000000000a5", 1280);

        Assert.Equal(["error 500"], await page.Locator(".row.error .badge").AllTextContentsAsync());
    }

    [SkippableTheory]
    [InlineData(400, ColorScheme.Light)]
    [InlineData(400, ColorScheme.Dark)]
    [InlineData(1280, ColorScheme.Light)]
    public async Task Open_OneTrace_NeedsNoScrollingSideways(int width, ColorScheme scheme)
    {
        var page = await OpenAsync("000000000000000000000000000000a6", width, scheme);

        // A parent that hides what sticks out would keep the document narrow: so ask every element as well.
        var widest = await page.EvaluateAsync<double>("""
            () => Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')].map(element => element.getBoundingClientRect().right))
            """);
        Assert.Equal(width, widest);
    }

    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Open_OneTrace_WritesTextThatCanBeRead(ColorScheme scheme)
    {
        var page = await OpenAsync("000000000000000000000000000000a7", 1280, scheme);

        // https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio of every text in the waterfall, against the first surface below it; 4.5 is level AA.
        var worst = await page.EvaluateAsync<double>("""
            () => {
              const parts = colour => colour.match(/[\d.]+/g).map(Number);
              const luminance = colour => parts(colour).slice(0, 3)
                .map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
              const surface = element => {
                const colour = getComputedStyle(element).backgroundColor;
                return parts(colour)[3] === 0 ? surface(element.parentElement) : colour;
              };
              return Math.min(...[...document.querySelectorAll('.service, .text, .kind, .badge, .number, .facts span, .verdict, .legend li')].map(element => {
                const [a, b] = [luminance(getComputedStyle(element).color), luminance(surface(element))];
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
              }));
            }
            """);
        Assert.InRange(worst, 4.5, 21);
    }

    [SkippableFact]
    public async Task PressEnter_OnASpan_ShowsItsTagsAsText()
    {
        var page = await OpenAsync("000000000000000000000000000000a8", 1280);

        await page.Locator("[data-span-id='00000000000000d1'] > .row").PressAsync("Enter");

        Assert.Equal("<img src=x onerror=alert(1)>", await page.Locator("dt:text-is('user.text') + dd").TextContentAsync());
    }

    [SkippableFact]
    public async Task Open_TraceWithAMissingParent_SaysSo()
    {
        const string traceId = "000000000000000000000000000000b1";
        await PostAsync($$"""[{"traceId":"{{traceId}}","id":"00000000000000c1","parentId":"00000000000000ff","timestamp":1790000000000000,"duration":5}]""");

        var page = await OpenPageAsync(traceId, 1280);

        Assert.Contains("the parent 00000000000000ff", await page.Locator(".verdict.bad").TextContentAsync(), StringComparison.Ordinal);
    }

    private async Task<IPage> OpenAsync(string traceId, int width, ColorScheme scheme = ColorScheme.Light)
    {
        await PostAsync(Order.Replace("$TRACE", traceId, StringComparison.Ordinal));
        return await OpenPageAsync(traceId, width, scheme);
    }

    private async Task PostAsync(string spans)
    {
        Skip.If(fixture.Browser is null, BrowserFixture.NoBrowser);
        using var http = new HttpClient();
        using var body = new StringContent(spans, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri(fixture.Collector, "api/v2/spans"), body);
        Assert.Equal(202, (int)answer.StatusCode);
    }

    private async Task<IPage> OpenPageAsync(string traceId, int width, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await fixture.Browser!.NewPageAsync(new() { ViewportSize = new() { Width = width, Height = 800 }, ColorScheme = scheme });
        await page.GotoAsync(string.Create(CultureInfo.InvariantCulture, $"{fixture.Collector}#{traceId}"));
        await page.Locator(".row").First.WaitForAsync();
        return page;
    }
}
