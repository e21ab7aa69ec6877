using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.SqlClient;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Trace;
using StackExchange.Redis;
using Tracing.Sdk.CompatibilityTests.Harness;
using OpenTelemetrySdk = OpenTelemetry.Sdk;

namespace Tracing.Sdk.CompatibilityTests.OpenTelemetry;

/// <summary>OpenTelemetry's packages for libraries without an ActivitySource, each added by the one line that the page has.</summary>
[WorksWith("OpenTelemetry.Instrumentation.EntityFrameworkCore", "a CLIENT span of each command of EF Core", SetUp = "[one line](opentelemetry.md#databases-without-an-activitysource); not for Npgsql", Name = "instrumentation of EF Core, SqlClient and Redis")]
[WorksWith("OpenTelemetry.Instrumentation.SqlClient", "a CLIENT span of each command of Microsoft.Data.SqlClient", SetUp = "[one line](opentelemetry.md#databases-without-an-activitysource)", Name = "instrumentation of EF Core, SqlClient and Redis")]
[WorksWith("OpenTelemetry.Instrumentation.StackExchangeRedis", "a CLIENT span of each command of StackExchange.Redis", SetUp = "[one line](opentelemetry.md#databases-without-an-activitysource)", Name = "instrumentation of EF Core, SqlClient and Redis")]
[Collection(Servers.Name)]
public sealed class DatabaseInstrumentationTests(Servers servers)
{
    private const string EntityFramework = "OpenTelemetry.Instrumentation.EntityFrameworkCore";
    private const string Npgsql = "Npgsql.EntityFrameworkCore.PostgreSQL";

    private static readonly ActivitySource Jobs = new("Shop.Jobs");

    [Theory]
    [InlineData("in the host")]
    [InlineData("without the host")]
    public async Task EntityFramework_CommandsInARequest_AreItsChildren(string where)
    {
        using var provider = where == "in the host" ? null : OpenTelemetrySdk.CreateTracerProviderBuilder().AddEntityFrameworkCoreInstrumentation().Build();
        await using var app = await StartWithSqliteAsync(tracing => tracing.AddEntityFrameworkCoreInstrumentation(), isHosted: provider is null);
        await app.GetAsync("/orders");
        await app.GetAsync("/orders", TracedApp.NotSampled);

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT main
            """,
            TraceOutline.Of(await app.StopAsync()));
        Assert.Contains("2 spans started, 2 exported, 0 dropped;", app.Log.LastLine, StringComparison.Ordinal);
        Assert.Empty(app.Log.Warnings);
    }

    [Fact]
    public async Task EntityFramework_OutsideOfATrace_ObeysOurRatio()
    {
        await using var app = await StartWithSqliteAsync(tracing => tracing.AddEntityFrameworkCoreInstrumentation(), options => options.Sampling.Ratio = 0);
        await using var orders = new Orders(SqliteOptions);
        await orders.Database.ExecuteSqlAsync($"SELECT 1");
        using (Jobs.StartActivity("import")) await orders.Database.ExecuteSqlAsync($"SELECT 1");

        Assert.Empty(await app.StopAsync());
        Assert.Contains("0 spans started, 0 exported", app.Log.LastLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("its source is ignored")]
    [InlineData("the request is ignored")]
    public async Task EntityFramework_LeftOut_HasNoSpan(string what)
    {
        await using var app = await StartWithSqliteAsync(tracing => tracing.AddEntityFrameworkCoreInstrumentation(), options =>
        {
            if (what == "its source is ignored") options.Ignore.Sources.Add(EntityFramework);
            else options.Ignore.Paths.Add("/orders");
        });
        await app.GetAsync("/orders");

        Assert.Equal(what == "its source is ignored" ? "SERVER GET /orders" : "", TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableTheory]
    [InlineData("both", "SERVER GET /orders|  CLIENT postgres|    CLIENT postgresql")]
    [InlineData("a filter", "SERVER GET /orders|  CLIENT postgresql")]
    [InlineData("EF Core's source is ignored", "SERVER GET /orders|  CLIENT postgresql")]
    [InlineData("Npgsql's source is ignored", "SERVER GET /orders|  CLIENT postgres")]
    public async Task EntityFrameworkOverNpgsql_OneOfBothIsLeftOut_IsOneSpanOfACommand(string which, string tree)
    {
        await using var database = NpgsqlDataSource.Create(await servers.PostgresAsync());
        await using (await database.OpenConnectionAsync())
        {
            // The pool has a connection before the application starts.
        }

        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async () =>
            {
                await using var orders = new Orders(new DbContextOptionsBuilder().UseNpgsql(database).Options);
                await orders.Database.ExecuteSqlAsync($"SELECT 1");
            }),
            builder => builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddEntityFrameworkCoreInstrumentation(options =>
            {
                if (which == "a filter") options.Filter = (provider, _) => provider != Npgsql;
            })),
            options =>
            {
                if (which == "EF Core's source is ignored") options.Ignore.Sources.Add(EntityFramework);
                if (which == "Npgsql's source is ignored") options.Ignore.Sources.Add("Npgsql");
            });
        await app.GetAsync("/orders");

        Assert.Equal(tree.Replace('|', '\n'), TraceOutline.Of(await app.StopAsync()));
        Assert.EndsWith(which == "a filter" ? "3 spans started, 2 exported, 0 dropped, 1 left out" : "0 dropped", app.Log.LastLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SqlClient_CommandInARequest_IsItsChild()
    {
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", () =>
            {
                // The library tells of its commands by these events; without a server it has none to tell of.
                using var events = new DiagnosticListener("SqlClientDiagnosticListener");
                using var connection = new SqlConnection("Server=orders-db;Database=shop");
                using var command = new SqlCommand("SELECT 1", connection);
                events.Write("Microsoft.Data.SqlClient.WriteCommandBefore", new { Command = command });
                events.Write("Microsoft.Data.SqlClient.WriteCommandAfter", new { Command = command });
            }),
            builder => builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSqlClientInstrumentation()));
        await app.GetAsync("/orders");
        await app.GetAsync("/orders", TracedApp.NotSampled);

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT SELECT
            """,
            TraceOutline.Of(await app.StopAsync()));
        Assert.Empty(app.Log.Warnings);
    }

    [SkippableTheory]
    [InlineData("in the host")]
    [InlineData("without the host")]
    public async Task Redis_CommandsInARequest_AreItsChildrenAndNoneIsLostAtTheStop(string where)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(await servers.RedisAsync());
        // It makes the spans of a request some seconds later, or when it is disposed of.
        var provider = where == "in the host" ? null : OpenTelemetrySdk.CreateTracerProviderBuilder().AddRedisInstrumentation(redis).Build();
        await using var app = await StartWithRedisAsync(redis, isHosted: provider is null);
        await app.GetAsync("/orders");
        await app.GetAsync("/orders", TracedApp.NotSampled);
        provider?.Dispose();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT SET
              CLIENT GET
            """,
            TraceOutline.Of(await app.StopAsync()));
        Assert.Contains("3 spans started, 3 exported, 0 dropped;", app.Log.LastLine, StringComparison.Ordinal);
        Assert.Empty(app.Log.Warnings);
    }

    [SkippableTheory]
    [InlineData("the ratio is 0")]
    [InlineData("the request is ignored")]
    [InlineData("its source is ignored")]
    public async Task Redis_NotSampledOrLeftOut_HasNoSpan(string what)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(await servers.RedisAsync());
        await using var app = await StartWithRedisAsync(redis, isHosted: true, options =>
        {
            options.Sampling.Ratio = what == "the ratio is 0" ? 0 : 1;
            if (what == "the request is ignored") options.Ignore.Paths.Add("/orders");
            if (what == "its source is ignored") options.Ignore.Sources.Add("OpenTelemetry.Instrumentation.StackExchangeRedis");
        });
        if (what == "the ratio is 0")
        {
            using (Jobs.StartActivity("import")) await redis.GetDatabase().StringGetAsync("order");
            await redis.GetDatabase().StringGetAsync("order");
        }
        else
        {
            await app.GetAsync("/orders");
        }

        Assert.Equal(what == "its source is ignored" ? "SERVER GET /orders" : "", TraceOutline.Of(await app.StopAsync()));
    }

    // The container disposes of the provider while this library's disposal of it, which the host has stopped waiting for, is still running.
    [SkippableFact]
    public async Task Redis_TheProviderEndsAfterTheHostsTimeout_IsDisposedOfOnceAndToTheEnd()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(await servers.RedisAsync());
        using var ending = new SlowEnding();
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", () => redis.GetDatabase().StringSetAsync("order", "1")),
            builder =>
            {
                builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
                builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddRedisInstrumentation(redis).AddProcessor(ending));
            });
        await app.GetAsync("/orders");
        await app.StopAsync();
        var disposal = app.DisposeAsync();
        ending.MayEnd.Set();
        await disposal;

        Assert.True(ending.HadEndedWhenDisposed);
        Assert.Contains("2 spans started, 2 exported, 0 dropped", app.Log.LastLine, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Redis_TheProviderTakesASpanAfterTheOther_NoneIsLostAtTheStop()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(await servers.RedisAsync());
        using var slow = new SlowForEachSpan();
        await using var app = await StartWithRedisAsync(redis, isHosted: true, add: tracing => tracing.AddProcessor(slow));
        for (var i = 0; i < 4; i++) await app.GetAsync("/orders");

        Assert.Equal(12, (await app.StopAsync()).Count);
        Assert.Contains("12 spans started, 12 exported, 0 dropped", app.Log.LastLine, StringComparison.Ordinal);
    }

    private static DbContextOptions SqliteOptions => new DbContextOptionsBuilder().UseSqlite("Data Source=:memory:").Options;

    private static Task<TracedApp> StartWithSqliteAsync(Action<TracerProviderBuilder> add, Action<MeshTracingOptions>? options = null, bool isHosted = true) => TracedApp.StartAsync(
        app => app.MapGet("/orders", async () =>
        {
            await using var orders = new Orders(SqliteOptions);
            await orders.Database.ExecuteSqlAsync($"SELECT 1");
        }),
        builder =>
        {
            if (isHosted) builder.Services.AddOpenTelemetry().WithTracing(add);
        },
        options);

    private static Task<TracedApp> StartWithRedisAsync(
        ConnectionMultiplexer redis, bool isHosted, Action<MeshTracingOptions>? options = null, Action<TracerProviderBuilder>? add = null) => TracedApp.StartAsync(
        app => app.MapGet("/orders", async () =>
        {
            await redis.GetDatabase().StringSetAsync("order", "1");
            await redis.GetDatabase().StringGetAsync("order");
        }),
        builder =>
        {
            builder.Services.AddSingleton<IConnectionMultiplexer>(redis);
            if (isHosted) builder.Services.AddOpenTelemetry().WithTracing(tracing =>
            {
                tracing.AddRedisInstrumentation();
                add?.Invoke(tracing);
            });
        },
        options);

    // As an exporter that sends its last batch to a slow collector.
    private sealed class SlowEnding : BaseProcessor<Activity>
    {
        private volatile bool _hasEnded;

        public ManualResetEventSlim MayEnd { get; } = new();

        public bool? HadEndedWhenDisposed { get; private set; }

        protected override bool OnShutdown(int timeoutMilliseconds) => _hasEnded = MayEnd.Wait(TimeSpan.FromMinutes(1));

        protected override void Dispose(bool disposing)
        {
            HadEndedWhenDisposed ??= _hasEnded;
            base.Dispose(disposing);
        }
    }

    // As an exporter that sends each span by itself.
    private sealed class SlowForEachSpan : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => Thread.Sleep(TimeSpan.FromMilliseconds(250));
    }

    private sealed class Orders(DbContextOptions options) : DbContext(options);
}
