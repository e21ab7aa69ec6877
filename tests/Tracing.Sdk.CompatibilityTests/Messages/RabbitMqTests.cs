using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Messages;

[WorksWith("RabbitMQ.Client", "publish, deliver and fetch, in the trace of the publisher, with a link; polls of an empty queue outside of a trace are left out", SetUp = "nothing; [channels in requests](#rabbitmqclient-in-requests)")]
[Collection(Servers.Name)]
public sealed class RabbitMqTests(Servers servers)
{
    private const string Debug = $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-d";

    [SkippableFact]
    public async Task Deliver_OfAPublishInARequest_IsOneTreeWithTheCallsOfTheConsumer()
    {
        var (spans, _, _) = await RunAsync(TracedApp.Sampled);

        Assert.Equal(
            """
            SERVER GET /publish
              PRODUCER publish orders
                CONSUMER deliver orders
                  CLIENT GET
                    SERVER GET /stock
                  PRODUCER publish mails
                    CONSUMER fetch mails
            """,
            TraceOutline.Of(spans));
        var (published, delivered) = (spans.Single(s => s.Name == "publish orders"), spans.Single(s => s.Name == "deliver orders"));
        Assert.Equal((published.TraceId, published.Id), (delivered.Links.Single().TraceId, delivered.Links.Single().SpanId));
    }

    [SkippableFact]
    public async Task Deliver_RequestIsNotSampled_ItsCallsAndMessagesSayNo()
    {
        var (spans, call, message) = await RunAsync(TracedApp.NotSampled);

        Assert.Equal("", TraceOutline.Of(spans));
        Assert.Equal(("0", TracedApp.TraceId), (call["X-B3-Sampled"], call["X-B3-TraceId"]));
        Assert.Equal(("0", TracedApp.TraceId), (message["X-B3-Sampled"], message["X-B3-TraceId"]));
    }

    [SkippableFact]
    public async Task Deliver_RequestIsADebugTrace_ItsCallsAndMessagesSayDebug()
    {
        var (spans, call, message) = await RunAsync(Debug);

        Assert.Equal(7, spans.Count);
        Assert.Equal(("1", "1", TracedApp.TraceId), (call["X-B3-Flags"], call["X-B3-Sampled"], call["X-B3-TraceId"]));
        Assert.Equal(("1", "1", TracedApp.TraceId), (message["X-B3-Flags"], message["X-B3-Sampled"], message["X-B3-TraceId"]));
        Assert.EndsWith(";s:d", message["tracestate"], StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Deliver_FormatIsB3Only_IsOneTree()
    {
        var (spans, call, message) = await RunAsync(TracedApp.Sampled.Replace("traceparent: 00-", "b3: ", StringComparison.Ordinal).Replace("-01", "-1", StringComparison.Ordinal), options =>
        {
            options.Propagation.Formats.Clear();
            options.Propagation.Formats.Add("b3");
        });

        Assert.Equal(7, spans.Count);
        Assert.All(spans, span => Assert.Equal(TracedApp.TraceId, span.TraceId));
        Assert.Equal(("b3", "b3"), (TraceHeadersOf(call), TraceHeadersOf(message)));
    }

    // A poll of a queue that has nothing, as a loop with BasicGet makes it all day, and a connection of its own.
    [SkippableFact]
    public async Task Background_ConnectionsAndPollsOfAnEmptyQueue_MakeNoRoots()
    {
        var factory = new ConnectionFactory { Uri = await servers.RabbitMqAsync() };
        await using var app = await TracedApp.StartAsync(_ => { });
        await using (var connection = await factory.CreateConnectionAsync())
        await using (var channel = await connection.CreateChannelAsync())
        {
            var queue = (await channel.QueueDeclareAsync()).QueueName;
            for (var i = 0; i < 3; i++) Assert.Null(await channel.BasicGetAsync(queue, autoAck: true));
        }

        Assert.Equal("", TraceOutline.Of(await app.StopAsync()));
    }

    // Publishes in a request; the consumer makes a call and publishes a second message, which is fetched, and then throws.
    private async Task<(IReadOnlyList<CollectedSpan> Spans, Dictionary<string, string> Call, Dictionary<string, string> Message)> RunAsync(
        string caller, Action<MeshTracingOptions>? options = null)
    {
        var factory = new ConnectionFactory { Uri = await servers.RabbitMqAsync() };
        await using var connection = await factory.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeclareAsync("orders");
        await channel.QueueDeclareAsync("mails");
        var calls = new ConcurrentQueue<Dictionary<string, string>>();
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.MapGet("/publish", async () => await channel.BasicPublishAsync("", "orders", "order 1"u8.ToArray()));
                app.MapGet("/stock", (Microsoft.AspNetCore.Http.HttpContext context) => calls.Enqueue(context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            },
            builder => builder.Services.AddHttpClient(),
            options);
        var handled = new Signal("The order is not handled");
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, _) =>
        {
            await app.Services.GetRequiredService<IHttpClientFactory>().CreateClient().GetStringAsync(new Uri(app.Address, "/stock"));
            await channel.BasicPublishAsync("", "mails", "mail 1"u8.ToArray());
            handled.Set();
            throw new InvalidOperationException("The consumer fails.");
        };
        await channel.BasicConsumeAsync("orders", autoAck: true, consumer);
        await app.GetAsync("/publish", caller);
        await handled.WaitAsync();
        // A publication without a confirmation may come later than what is asked for.
        var mail = await Polling.UntilAsync(() => channel.BasicGetAsync("mails", autoAck: true), mail => mail is not null);
        Assert.True(mail is not null, "No mail is published within a minute.");
        await channel.CloseAsync();
        return (await app.StopAsync(), calls.Single(), mail.BasicProperties.Headers!.ToDictionary(h => h.Key, h => Encoding.UTF8.GetString((byte[])h.Value!), StringComparer.OrdinalIgnoreCase));
    }

    private static string TraceHeadersOf(Dictionary<string, string> headers) => string.Join(',', headers.Keys
        .Where(name => name.Contains("b3", StringComparison.OrdinalIgnoreCase) || name.StartsWith("trace", StringComparison.OrdinalIgnoreCase)).Order());
}
