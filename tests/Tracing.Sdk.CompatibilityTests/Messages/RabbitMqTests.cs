using System.Text;
using Microsoft.AspNetCore.Builder;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Messages;

[WorksWith("RabbitMQ.Client", "publish and deliver, in the trace of the publisher, with a link")]
[Collection(Servers.Name)]
public sealed class RabbitMqTests(Servers servers)
{
    [SkippableFact]
    public async Task PublishInRequest_Delivered_IsInTheTraceOfTheRequest()
    {
        var factory = new ConnectionFactory { Uri = await servers.RabbitMqAsync() };
        await using var connection = await factory.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync("orders");
        var handled = new TaskCompletionSource();
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/publish", async () =>
        {
            await channel.BasicPublishAsync("", "orders", Encoding.UTF8.GetBytes("order 1"));
        }));
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, _) =>
        {
            handled.SetResult();
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync("orders", autoAck: true, consumer);
        await app.GetAsync("/publish");
        await handled.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await channel.CloseAsync();

        Assert.Equal(
            """
            SERVER GET /publish
              PRODUCER publish orders
                CONSUMER deliver orders
            """,
            TraceOutline.Of(await app.StopAsync()));
    }
}
