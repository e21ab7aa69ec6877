using System.Net;
using System.Text;
using Dapper;
using Grpc.Core;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Refit;

namespace Tracing.Sdk.CompatibilityTests.Shop;

/// <summary>Eight services: gateway, web, orders, stock, payments, bank, shipping, notices. <c>AddMeshTracing</c> is all that they know of tracing; OpenTelemetry has their metrics and logs.</summary>
internal static class ShopServices
{
    public static readonly string[] Names = ["bank", "notices", "stock", "shipping", "payments", "orders", "web", "gateway"];

    /// <summary>Makes a service. Where the others are, it learns from the settings <c>Shop:*</c>.</summary>
    public static WebApplication Create(string name)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = typeof(ShopServices).Assembly.GetName().Name });
        builder.Services.AddMeshTracing();
        builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation().AddOtlpExporter())
            .WithLogging(logging => logging.AddOtlpExporter(), options => options.IncludeFormattedMessage = true);
        builder.Services.Configure<LoggerFilterOptions>(filter => filter.MinLevel = LogLevel.Debug);
        var shop = new Settings(builder.Configuration);
        // gRPC without TLS needs a port of its own.
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, shop.Address(name).Port, endpoint => endpoint.Protocols = name is "orders" or "notices" ? HttpProtocols.Http2 : HttpProtocols.Http1));
        // Else a message may be published before the queue of its consumer is there.
        builder.Services.Configure<MassTransitHostOptions>(o => o.WaitUntilStarted = true);
        var map = Build(name, builder, shop);
        var app = builder.Build();
        map(app);
        return app;
    }

    private static Action<WebApplication> Build(string name, WebApplicationBuilder builder, Settings shop)
    {
        var services = builder.Services;
        switch (name)
        {
            case "gateway":
                services.AddReverseProxy().LoadFromMemory(
                    [new() { RouteId = "all", ClusterId = "web", Match = new() { Path = "{**rest}" } }],
                    [new() { ClusterId = "web", Destinations = new Dictionary<string, Yarp.ReverseProxy.Configuration.DestinationConfig> { ["web"] = new() { Address = shop.Address("web").ToString() } } }]);
                return app => app.MapReverseProxy();

            case "web":
                services.AddRazorComponents();
                services.AddGrpcClient<Orders.OrdersClient>(o => o.Address = shop.Address("orders"));
                return app =>
                {
                    app.UseAntiforgery();
                    app.MapRazorComponents<ShopPages>();
                };

            case "orders":
                services.AddGrpc();
                services.AddDbContext<OrderContext>(o => o.UseNpgsql(shop.Postgres));
                services.AddRefitGeneratedClient<IStock>().ConfigureHttpClient(client => client.BaseAddress = shop.Address("stock")).AddStandardResilienceHandler();
                services.AddMassTransit(bus => bus.UsingRabbitMq((context, rabbit) => rabbit.Host(shop.RabbitMq)));
                return app => app.MapGrpcService<OrdersService>();

            case "stock":
                services.AddStackExchangeRedisCache(o => o.Configuration = shop.Redis);
                services.AddHybridCache();
                services.AddSingleton(NpgsqlDataSource.Create(shop.Postgres));
                return app => app.MapGet("/stock/{article}", (string article, HybridCache cache, NpgsqlDataSource database) => cache.GetOrCreateAsync($"stock/{article}", async cancel =>
                {
                    await using var connection = await database.OpenConnectionAsync(cancel);
                    return await connection.QuerySingleAsync<int>("SELECT @count", new { count = 7 });
                }));

            case "payments":
                services.AddHttpClient("bank", client => client.BaseAddress = shop.Address("bank"));
                services.AddSingleton(shop);
                services.AddMassTransit(bus =>
                {
                    bus.AddConsumer<OrderPlacedConsumer>();
                    bus.UsingRabbitMq((context, rabbit) =>
                    {
                        rabbit.Host(shop.RabbitMq);
                        rabbit.ConfigureEndpoints(context);
                    });
                });
                return app => app.MapGet("/", () => "");

            case "bank":
                return app => app.MapPost("/payments", () => "paid");

            case "shipping":
                services.AddSingleton(shop);
                services.AddGrpcClient<Notices.NoticesClient>(o => o.Address = shop.Address("notices"));
                services.AddHostedService<Shipping>();
                return app => app.MapGet("/", () => "");

            default:
                services.AddGrpc();
                return app => app.MapGrpcService<NoticesService>();
        }
    }

    internal sealed class Settings(IConfiguration configuration)
    {
        public string Postgres => configuration["Shop:Postgres"]!;

        public string Redis => configuration["Shop:Redis"]!;

        public Uri RabbitMq => new(configuration["Shop:RabbitMq"]!);

        public Uri Address(string service) => new(configuration[$"Shop:{service}"]!);
    }

    internal sealed class Order
    {
        public long Id { get; set; }

        public string Article { get; set; } = "";
    }

    internal sealed class OrderContext(DbContextOptions<OrderContext> options) : DbContext(options)
    {
        public DbSet<Order> Orders => Set<Order>();
    }

    private sealed class OrdersService(OrderContext database, IStock stock, IPublishEndpoint bus, ILogger<OrdersService> logger) : Orders.OrdersBase
    {
        public override async Task<PlaceReply> Place(PlaceRequest request, ServerCallContext context)
        {
            await stock.GetAsync(request.Article);
            var order = new Order { Article = request.Article };
            database.Add(order);
            await database.SaveChangesAsync();
            logger.LogInformation("order {Id} is placed", order.Id);
            await bus.Publish(new OrderPlaced(order.Id));
            return new PlaceReply { Id = order.Id };
        }
    }

    private sealed class OrderPlacedConsumer(IHttpClientFactory clients, Settings shop, ILogger<OrderPlacedConsumer> logger) : IConsumer<OrderPlaced>
    {
        public async Task Consume(ConsumeContext<OrderPlaced> context)
        {
            using var client = clients.CreateClient("bank");
            using var response = await client.PostAsync("payments", null);
            logger.LogInformation("order {Id} is paid", context.Message.Id);
            await using var connection = await new ConnectionFactory { Uri = shop.RabbitMq }.CreateConnectionAsync();
            await using var channel = await connection.CreateChannelAsync();
            await channel.BasicPublishAsync("", "paid", Encoding.UTF8.GetBytes($"{context.Message.Id}"));
        }
    }

    private sealed class Shipping(Settings shop, Notices.NoticesClient notices, ILogger<Shipping> logger) : IHostedService
    {
        private IConnection? _connection;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            _connection = await new ConnectionFactory { Uri = shop.RabbitMq }.CreateConnectionAsync(cancellationToken);
            var channel = await _connection.CreateChannelAsync(cancellationToken: cancellationToken);
            await channel.QueueDeclareAsync("paid", exclusive: false, cancellationToken: cancellationToken);
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += async (_, message) =>
            {
                using var call = notices.Send(cancellationToken: CancellationToken.None);
                await call.RequestStream.WriteAsync(new Notice { Text = Encoding.UTF8.GetString(message.Body.Span) });
                await call.RequestStream.CompleteAsync();
                logger.LogInformation("order {Id} is on its way", (await call.ResponseAsync).Id);
            };
            await channel.BasicConsumeAsync("paid", autoAck: true, consumer, cancellationToken);
        }

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            if (_connection is not null) await _connection.DisposeAsync();
        }
    }

    private sealed class NoticesService(ILogger<NoticesService> logger) : Notices.NoticesBase
    {
        public override async Task<PlaceReply> Send(IAsyncStreamReader<Notice> requestStream, ServerCallContext context)
        {
            var last = 0L;
            await foreach (var notice in requestStream.ReadAllAsync())
            {
                logger.LogInformation("order {Id} is noticed", notice.Text);
                last = long.Parse(notice.Text, System.Globalization.CultureInfo.InvariantCulture);
            }

            return new PlaceReply { Id = last };
        }
    }
}
