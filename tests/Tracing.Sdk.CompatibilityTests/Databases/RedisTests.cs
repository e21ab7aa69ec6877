using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using StackExchange.Redis;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("StackExchange.Redis", "none of its own", SetUp = "[for spans, OpenTelemetry's instrumentation](opentelemetry.md#databases-without-an-activitysource)")]
[WorksWith("Microsoft.Extensions.Caching.StackExchangeRedis", "none of its own", SetUp = "as StackExchange.Redis", Name = "StackExchange.Redis")]
[WorksWith("Microsoft.Extensions.Caching.Hybrid", "none of its own; what fills the cache is in the request that missed", Name = "HybridCache")]
[Collection(Servers.Name)]
public sealed class RedisTests(Servers servers)
{
    [SkippableFact]
    public async Task Commands_InARequest_HaveNoSpans()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(await servers.RedisAsync());
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/orders", async () =>
        {
            await redis.GetDatabase().StringSetAsync("article", "pen");
            return (string?)await redis.GetDatabase().StringGetAsync("article");
        }));
        Assert.Equal("pen", await app.GetAsync("/orders"));

        Assert.Equal("SERVER GET /orders", TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task HybridCache_OverRedis_FillsInTheRequestThatMissed()
    {
        var redis = await servers.RedisAsync();
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async (HybridCache cache) => await cache.GetOrCreateAsync("price", async cancel =>
            {
                using var span = app.Services.GetRequiredService<Work>().Source.StartActivity("work out price");
                await Task.Yield();
                return "12";
            })),
            builder =>
            {
                builder.Services.AddStackExchangeRedisCache(o => o.Configuration = redis);
                builder.Services.AddHybridCache();
                builder.Services.AddSingleton<Work>();
            });
        Assert.Equal("12", await app.GetAsync("/orders"));
        Assert.Equal("12", await app.GetAsync("/orders"));

        Assert.Equal(
            """
            SERVER GET /orders
              INTERNAL work out price
            SERVER GET /orders
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task DistributedCache_InARequest_HasNoSpans()
    {
        var redis = await servers.RedisAsync();
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async (IDistributedCache cache) =>
            {
                await cache.SetStringAsync("order", "1");
                return await cache.GetStringAsync("order");
            }),
            builder => builder.Services.AddStackExchangeRedisCache(o => o.Configuration = redis));
        Assert.Equal("1", await app.GetAsync("/orders"));

        Assert.Equal("SERVER GET /orders", TraceOutline.Of(await app.StopAsync()));
    }

    private sealed class Work : IDisposable
    {
        public System.Diagnostics.ActivitySource Source { get; } = new("Shop.Prices");

        public void Dispose() => Source.Dispose();
    }
}
