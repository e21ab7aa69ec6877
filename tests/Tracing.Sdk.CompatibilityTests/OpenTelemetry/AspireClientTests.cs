using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using StackExchange.Redis;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.OpenTelemetry;

/// <summary>Packages that keep a TracerProvider in the process whatever the application does.</summary>
[WorksWith("Aspire.Npgsql", "those of Npgsql", SetUp = "nothing; `DisableTracing` where [headers are only forwarded](opentelemetry.md#a-tracerprovider-that-other-packages-keep)", Name = "Aspire's client packages")]
[WorksWith("Aspire.RabbitMQ.Client", "those of RabbitMQ.Client", SetUp = "nothing; `DisableTracing` where [headers are only forwarded](opentelemetry.md#a-tracerprovider-that-other-packages-keep)", Name = "Aspire's client packages")]
[WorksWith("Aspire.StackExchange.Redis", "a CLIENT span of each command, by OpenTelemetry's instrumentation", SetUp = "nothing; `DisableTracing` where [headers are only forwarded](opentelemetry.md#a-tracerprovider-that-other-packages-keep)", Name = "Aspire's client packages")]
[Collection(Servers.Name)]
public sealed class AspireClientTests(Servers servers)
{
    [SkippableFact]
    public async Task Recording_SampledRequest_IsOneTreeAcrossItsMessages()
    {
        await using var orders = await OrdersApp.StartAsync(servers);
        var messages = await orders.GetAsync(TracedApp.Sampled);
        // The connection to RabbitMQ is a trace of its own.
        var spans = (await orders.App.StopAsync()).Where(span => span.TraceId == TracedApp.TraceId).ToList();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT postgresql
              CLIENT SET
              PRODUCER publish orders
                CONSUMER deliver orders
                  CLIENT GET
                  PRODUCER publish shipments
                    CONSUMER deliver shipments
            """,
            TraceOutline.Of(spans));
        Assert.Equal(spans.Where(span => span.Kind == "PRODUCER").Select(span => $"00-{TracedApp.TraceId}-{span.Id}-01").Order(), messages.Select(message => message["traceparent"]).Order());
        Assert.Empty(orders.App.Log.Warnings);
    }

    [SkippableTheory]
    [InlineData("the caller says no", TracedApp.NotSampled)]
    [InlineData("the ratio is 0", "x-nothing: 1")]
    [InlineData("the request is ignored", "x-nothing: 1")]
    public async Task Recording_NotSampled_NoSpanAndNoMessageSaysSampled(string why, string header)
    {
        await using var orders = await OrdersApp.StartAsync(servers, options =>
        {
            options.Sampling.Ratio = 0;
            if (why == "the request is ignored") options.Ignore.Paths.Add("/orders");
        });
        var messages = await orders.GetAsync(header);

        Assert.Empty(await orders.App.StopAsync());
        Assert.DoesNotContain(messages, message => message.GetValueOrDefault("traceparent", "").EndsWith('1') || message.GetValueOrDefault("X-B3-Sampled") == "1");
    }

    [SkippableFact]
    public async Task Forwarding_MessagesOfARequest_CarryWhatCameInAndOthersNothing()
    {
        await using var orders = await OrdersApp.StartAsync(servers, options => options.Mode = MeshTracingMode.Forward);
        var messages = await orders.GetAsync(TracedApp.Sampled);

        // The second is published while the first is handled, outside of a request.
        Assert.Equal([TracedApp.Sampled["traceparent: ".Length..], null], messages.Select(message => message.GetValueOrDefault("traceparent")));
        Assert.Equal((TracedApp.TraceId, ActivityTraceFlags.Recorded), orders.Current);
        Assert.Empty(await orders.App.StopAsync());
    }

    [SkippableFact]
    public async Task Forwarding_TheSourcesOfTheProvider_AreNamedOnceEach()
    {
        await using var orders = await OrdersApp.StartAsync(servers, options => options.Mode = MeshTracingMode.Forward);
        await orders.GetAsync(TracedApp.Sampled);
        await orders.GetAsync(TracedApp.Sampled);
        await orders.GetAsync(TracedApp.Sampled);

        var named = orders.App.Log.Warnings.SelectMany(warning => warning.Split("makes spans of ")[1].Split(". ")[0].Split(", ")).Order().ToList();
        Assert.Subset(named.ToHashSet(), new HashSet<string> { "Npgsql", "OpenTelemetry.Instrumentation.StackExchangeRedis", "RabbitMQ.Client.Publisher", "RabbitMQ.Client.Subscriber" });
        Assert.Equal(named.Distinct(), named);
    }

    [SkippableFact]
    public async Task Forwarding_TracingOfThePackagesIsOff_NothingIsWarnedOf()
    {
        await using var orders = await OrdersApp.StartAsync(servers, options => options.Mode = MeshTracingMode.Forward, disableTracing: true);
        await orders.GetAsync(TracedApp.Sampled);

        Assert.Empty(orders.App.Log.Warnings);
        Assert.Empty(await orders.App.StopAsync());
    }

    /// <summary>Uses each of the packages: a request publishes a message, whose handling publishes another.</summary>
    private sealed class OrdersApp : IAsyncDisposable
    {
        private readonly SemaphoreSlim _handled = new(0);
        private readonly List<IReadOnlyDictionary<string, string>> _messages = [];
        private IChannel? _channel;

        public required TracedApp App { get; init; }

        /// <summary>The trace id and the flags of the current activity of the last request.</summary>
        public (string TraceId, ActivityTraceFlags Flags) Current { get; private set; }

        public static async Task<OrdersApp> StartAsync(Servers servers, Action<MeshTracingOptions>? options = null, bool disableTracing = false)
        {
            var (postgres, redis, rabbitMq) = (await servers.PostgresAsync(), await servers.RedisAsync(), await servers.RabbitMqAsync());
            OrdersApp? orders = null;
            var app = await TracedApp.StartAsync(
                app => app.MapGet("/orders", (NpgsqlDataSource database, IConnectionMultiplexer cache) => orders!.HandleAsync(database, cache)),
                builder =>
                {
                    builder.Configuration["ConnectionStrings:database"] = postgres;
                    builder.Configuration["ConnectionStrings:cache"] = redis;
                    builder.Configuration["ConnectionStrings:messages"] = rabbitMq.ToString();
                    builder.AddNpgsqlDataSource("database", settings => settings.DisableTracing = disableTracing);
                    builder.AddRedisClient("cache", settings => settings.DisableTracing = disableTracing);
                    builder.AddRabbitMQClient("messages", settings => settings.DisableTracing = disableTracing);
                },
                options);
            orders = new OrdersApp { App = app };
            await orders.ConnectAsync();
            return orders;
        }

        /// <summary>Sends a request.</summary>
        /// <returns>The headers of the messages, when the last one is handled.</returns>
        public async Task<IReadOnlyList<IReadOnlyDictionary<string, string>>> GetAsync(string header)
        {
            await App.GetAsync("/orders", header);
            Assert.True(await _handled.WaitAsync(TimeSpan.FromMinutes(1)), "The messages did not arrive.");
            lock (_messages) return [.. _messages];
        }

        public async ValueTask DisposeAsync()
        {
            if (_channel is not null) await _channel.DisposeAsync();
            await App.DisposeAsync();
            _handled.Dispose();
        }

        private async Task ConnectAsync()
        {
            await using (await App.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync())
            {
                // The pool has a connection.
            }

            _channel = await App.Services.GetRequiredService<IConnection>().CreateChannelAsync();
            await ConsumeAsync("orders", async () =>
            {
                await App.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().StringGetAsync("order");
                await _channel!.BasicPublishAsync("", "shipments", Encoding.UTF8.GetBytes("order 1"));
            });
            await ConsumeAsync("shipments", () =>
            {
                _handled.Release();
                return Task.CompletedTask;
            });
        }

        private async Task ConsumeAsync(string queue, Func<Task> handle)
        {
            var channel = _channel!;
            await channel.QueueDeclareAsync(queue);
            await channel.QueuePurgeAsync(queue);
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, delivery) =>
            {
                var headers = (delivery.BasicProperties.Headers ?? new Dictionary<string, object?>()).ToDictionary(header => header.Key, header => header.Value is byte[] text ? Encoding.UTF8.GetString(text) : $"{header.Value}");
                lock (_messages) _messages.Add(headers);
                return handle();
            };
            await channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        }

        private async Task HandleAsync(NpgsqlDataSource database, IConnectionMultiplexer cache)
        {
            if (Activity.Current is { } current) Current = (current.TraceId.ToHexString(), current.ActivityTraceFlags);
            await using var command = database.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync();
            await cache.GetDatabase().StringSetAsync("order", "1");
            await _channel!.BasicPublishAsync("", "orders", Encoding.UTF8.GetBytes("order 1"));
        }
    }
}
