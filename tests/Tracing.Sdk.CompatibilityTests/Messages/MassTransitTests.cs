using MassTransit;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Messages;

[WorksWith("MassTransit.RabbitMQ", "send, receive and process, in the trace of the sender; those of RabbitMQ.Client below them", SetUp = "nothing; `Ignore:Sources` with `RabbitMQ.Client.*` leaves out the lower ones", Name = "MassTransit")]
[Collection(Servers.Name)]
public sealed class MassTransitTests(Servers servers)
{
    [SkippableFact]
    public async Task Publish_OverRabbitMq_IsOneTreeWithTheCallsOfTheConsumer() => Assert.Equal(
        """
        SERVER GET /order/{id}
          PRODUCER Tracing.Sdk.CompatibilityTests.Messages:MassTransitTests-Order send
            CONSUMER Order receive
              CONSUMER Order process
                CLIENT GET
                  SERVER GET /stock
        """,
        await RunAsync("/order/1", o => o.Ignore.Sources.Add("RabbitMQ.Client.*")));

    [SkippableFact]
    public async Task Publish_RequestIsNotSampled_HasNoSpans() => Assert.Equal("", await RunAsync("/order/1", headers: TracedApp.NotSampled));

    [SkippableFact]
    public async Task Publish_ConsumerFailsOnce_TheRetryIsInTheTree() => Assert.Equal(
        """
        SERVER GET /order/{id}
          PRODUCER Tracing.Sdk.CompatibilityTests.Messages:MassTransitTests-Order send
            CONSUMER Order receive
              CONSUMER Order process !
              CONSUMER Order process
                CLIENT GET
                  SERVER GET /stock
        """,
        await RunAsync("/order/2", o => o.Ignore.Sources.Add("RabbitMQ.Client.*")));

    [SkippableFact]
    public async Task Request_OverRabbitMq_IsOneTreeWithBothMessagesOfRabbitMq()
    {
        var outline = await RunAsync("/price");
        // A message has no routing key, so that these names end in a blank.
        Assert.Equal(
            """
            SERVER GET /price
              PRODUCER Tracing.Sdk.CompatibilityTests.Messages:MassTransitTests-Question send
                PRODUCER publish
                  CONSUMER deliver
                CONSUMER Question receive
                  CONSUMER Question process
                    PRODUCER bus send
                      PRODUCER publish
                        CONSUMER deliver
                      CONSUMER bus receive
                        CONSUMER bus process
            """,
            outline.Replace(" \n", "\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Publish_InMemory_IsOneTree() => Assert.Equal(
        """
        SERVER GET /order/{id}
          PRODUCER urn:message:Tracing.Sdk.CompatibilityTests.Messages:MassTransitTests+Order send
            CONSUMER Order receive
              CONSUMER Order process
                CLIENT GET
                  SERVER GET /stock
        """,
        await RunAsync("/order/1", isInMemory: true));

    private async Task<string> RunAsync(string path, Action<MeshTracingOptions>? options = null, bool isInMemory = false, string headers = TracedApp.Sampled)
    {
        var server = isInMemory ? null : await servers.RabbitMqAsync();
        var handled = new Signal("The order is not handled");
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.MapGet("/order/{id}", (int id, IPublishEndpoint bus) => bus.Publish(new Order(id, new Uri(app.Urls.First() + "/stock"))));
                app.MapGet("/price", async (IRequestClient<Question> client) => (await client.GetResponse<Answer>(new Question())).Message);
                app.MapGet("/stock", () => "7");
            },
            builder =>
            {
                builder.Services.AddSingleton(handled).AddHttpClient();
                builder.Services.Configure<MassTransitHostOptions>(o => o.WaitUntilStarted = true);
                builder.Services.AddMassTransit(bus =>
                {
                    bus.AddConsumer<OrderConsumer>(consumer => consumer.UseMessageRetry(retry => retry.Immediate(1)));
                    bus.AddConsumer<QuestionConsumer>();
                    bus.AddRequestClient<Question>();
                    if (server is null) bus.UsingInMemory((context, configure) => configure.ConfigureEndpoints(context));
                    else
                    {
                        bus.UsingRabbitMq((context, configure) =>
                        {
                            configure.Host(server);
                            configure.ConfigureEndpoints(context);
                        });
                    }
                });
            },
            options);
        await app.GetAsync(path, headers);
        if (path != "/price") await handled.WaitAsync();
        return TraceOutline.Of(await app.StopAsync());
    }

    public sealed record Order(int Id, Uri Stock);
    public sealed record Question;
    public sealed record Answer(decimal Price);

    private sealed class OrderConsumer(Signal handled, HttpClient http) : IConsumer<Order>
    {
        public async Task Consume(ConsumeContext<Order> context)
        {
            if (context.Message.Id == 2 && context.GetRetryAttempt() == 0) throw new InvalidOperationException("The first attempt fails.");
            await http.GetStringAsync(context.Message.Stock, context.CancellationToken);
            handled.Set();
        }
    }

    private sealed class QuestionConsumer : IConsumer<Question>
    {
        public Task Consume(ConsumeContext<Question> context) => context.RespondAsync(new Answer(7));
    }
}
