using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Time.Testing;
using Polly;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Microsoft.Extensions.Http.Resilience", "a CLIENT span of each attempt: retries, hedging, timeouts", Name = "Http.Resilience (Polly)")]
public sealed class ResilienceTests
{
    [Fact]
    public async Task Retry_EachAttemptHasASpanAndItsNumber()
    {
        var answers = new Queue<int>([503, 503, 200]);
        using var catalog = ScriptedEndpoint.Start(_ => new(answers.Dequeue(), "fine"));
        await using var app = await StartAsync(catalog, client => client.AddResilienceHandler("retry", pipeline => pipeline.AddRetry(new HttpRetryStrategyOptions { MaxRetryAttempts = 2, Delay = TimeSpan.Zero })));
        Assert.Equal("fine", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET !
              CLIENT GET !
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        Assert.Equal([null, "1", "2"], spans.Where(span => span.Kind == "CLIENT").OrderBy(span => span.StartMicroseconds).Select(span => span.Tag("http.request.resend_count")));
        catalog.AssertNamesClientSpans(spans);
        Assert.Equal(3, catalog.Requests.Select(request => request.Headers["traceparent"]).Distinct().Count());
    }

    [Fact]
    public async Task Hedging_EachAttemptHasASpan()
    {
        var answers = new Queue<int>([500, 200]);
        using var catalog = ScriptedEndpoint.Start(_ => new(answers.Dequeue(), "fine"));
        await using var app = await StartAsync(catalog, client => client.AddStandardHedgingHandler());
        Assert.Equal("fine", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET !
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        catalog.AssertNamesClientSpans(spans);
    }

    [Fact]
    public async Task Timeout_OfAnAttempt_IsAnError()
    {
        var (never, clock) = (new TaskCompletionSource(), new FakeTimeProvider());
        using var catalog = ScriptedEndpoint.Start(_ =>
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            return new(Delay: never.Task);
        });
        await using var app = await StartAsync(catalog, client => client.AddResilienceHandler("timeout", pipeline =>
        {
            pipeline.TimeProvider = clock;
            pipeline.AddTimeout(TimeSpan.FromMinutes(1));
        }));
        await app.GetAsync("/orders");
        never.SetResult();
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders !
              CLIENT GET !
            """,
            TraceOutline.Of(spans));
        catalog.AssertNamesClientSpans(spans);
    }

    [Fact]
    public async Task StandardHandler_OneCall_IsOneSpan()
    {
        using var catalog = ScriptedEndpoint.Start();
        await using var app = await StartAsync(catalog, client => client.AddStandardResilienceHandler());
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

    private static Task<TracedApp> StartAsync(ScriptedEndpoint catalog, Action<IHttpClientBuilder> configure) =>
        TracedApp.StartAsync(
            app => app.MapGet("/orders", (IHttpClientFactory clients) => clients.CreateClient("catalog").GetStringAsync("articles/7")),
            builder => configure(builder.Services.AddHttpClient("catalog", client => client.BaseAddress = catalog.Address)));
}
