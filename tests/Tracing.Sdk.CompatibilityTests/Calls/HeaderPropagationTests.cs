using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Microsoft.AspNetCore.HeaderPropagation", "a CLIENT span of each call, whose ids take the place of the copied ones", SetUp = "nothing; the trace headers can go from its list", Name = "HeaderPropagation")]
public sealed class HeaderPropagationTests
{
    private static readonly string[] Copied =
        ["traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "x-request-id", "x-ot-span-context"];

    [Theory]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")]
    [InlineData("X-B3-TraceId: 0af7651916cd43dd8448eb211c80319c", "X-B3-SpanId: b7ad6b7169203331", "X-B3-ParentSpanId: 00f067aa0ba902b7", "X-B3-Sampled: 1")]
    public async Task Headers_ThatAreCopied_NameTheSpanOfTheCall(params string[] inbound)
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.UseHeaderPropagation();
                app.MapGet("/orders", (IHttpClientFactory clients) => clients.CreateClient("catalog").GetStringAsync(catalog.Address));
            },
            builder =>
            {
                builder.Services.AddHeaderPropagation(o =>
                {
                    foreach (var name in Copied) o.Headers.Add(name);
                });
                builder.Services.AddHttpClient("catalog").AddHeaderPropagation();
            });
        Assert.Equal("fine", await app.GetAsync("/orders", [.. inbound, "X-Request-ID: a-request"]));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        catalog.AssertNamesClientSpans(spans);
        var headers = Assert.Single(catalog.Requests).Headers;
        Assert.Equal((null, null, "a-request"), (headers["b3"], headers["X-B3-ParentSpanId"], headers["X-Request-ID"]));
    }
}
