using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Databases;

[WorksWith("Npgsql.EntityFrameworkCore.PostgreSQL", "those of Npgsql", SetUp = "nothing; [migrations at the start](#migrations-at-the-start)", Name = "EF Core")]
[Collection(Servers.Name)]
public sealed class EntityFrameworkPostgresTests(Servers servers)
{
    [SkippableFact]
    public async Task QueryAndSave_InARequest_AreItsChildren()
    {
        await using var app = await StartAsync("ef1", create: true, app => app.MapGet("/orders", async (Orders orders) =>
        {
            orders.Add(new Order { Article = "pen" });
            await orders.SaveChangesAsync();
            return await orders.All.CountAsync(order => order.Article == "pen");
        }));
        Assert.Equal("1", await app.GetAsync("/orders"));

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task Creation_BeforeTheHostStarts_HasNoSpans()
    {
        await using var app = await StartAsync("ef2", create: false, app =>
        {
            using var scope = app.Services.CreateScope();
            scope.ServiceProvider.GetRequiredService<Orders>().Database.EnsureCreated();
        });

        Assert.Equal("", TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task Creation_InAHostedService_IsATraceOfEachCommand()
    {
        await using var app = await StartAsync("ef3", create: false, _ => { }, services => services.AddHostedService<Creation>());

        Assert.Equal(
            """
            root
              CLIENT CONNECT ef3 !
            root
              CLIENT CONNECT postgres
            root
              CLIENT postgresql
            root
              CLIENT CONNECT ef3
            root
              CLIENT postgresql
            root
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task Creation_InASpan_IsOneTrace()
    {
        using var source = new ActivitySource("Shop.Start");
        await using var app = await StartAsync("ef4", create: false, _ => { }, services => services.AddSingleton(new StartSource(source)).AddHostedService<Creation>());

        Assert.Equal(
            """
            root
              INTERNAL create tables
                CLIENT CONNECT ef4 !
                CLIENT CONNECT postgres
                CLIENT postgresql
                CLIENT CONNECT ef4
                CLIENT postgresql
                CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [SkippableFact]
    public async Task Creation_WhereRootsAreLeftOut_HasNoSpans()
    {
        await using var app = await StartAsync("ef5", create: false, app => app.MapGet("/orders", (Orders orders) => orders.All.CountAsync()), services => services.AddHostedService<Creation>(), o => o.Ignore.RootSources.Add("Npgsql"));
        await app.GetAsync("/orders");

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    private async Task<TracedApp> StartAsync(string database, bool create, Action<WebApplication> map, Action<IServiceCollection>? build = null, Action<MeshTracingOptions>? options = null)
    {
        var connectionString = new NpgsqlConnectionStringBuilder(await servers.PostgresAsync()) { Database = database }.ConnectionString;
        if (create)
        {
            await using var orders = new Orders(new DbContextOptionsBuilder<Orders>().UseNpgsql(connectionString).Options);
            await orders.Database.EnsureCreatedAsync();
        }

        return await TracedApp.StartAsync(map, builder =>
        {
            builder.Services.AddDbContext<Orders>(o => o.UseNpgsql(connectionString));
            build?.Invoke(builder.Services);
        }, options);
    }

    public sealed class Order
    {
        public int Id { get; set; }

        public string Article { get; set; } = "";
    }

    public sealed class Orders(DbContextOptions<Orders> options) : DbContext(options)
    {
        public DbSet<Order> All => Set<Order>();
    }

    private sealed record StartSource(ActivitySource Source);

    private sealed class Creation(IServiceScopeFactory scopes, IEnumerable<StartSource> sources) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            using var span = sources.FirstOrDefault()?.Source.StartActivity("create tables");
            using var scope = scopes.CreateScope();
            await scope.ServiceProvider.GetRequiredService<Orders>().Database.EnsureCreatedAsync(cancellationToken);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
