using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;
using NATS.Net;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Messages;

[WorksWith("NATS.Net", "publish, request and receive, in the trace of the sender; subscriptions and pulls of JetStream are roots", SetUp = "`using var activity = message.StartActivity();` where a message is handled, else its calls begin traces", Name = "NATS")]
[Collection(Servers.Name)]
public sealed class NatsTests(Servers servers)
{
    [SkippableFact]
    public async Task Request_HandledInAnActivityOfTheMessage_IsOneTree()
    {
        var (spans, _) = await RunAsync("/ask", TracedApp.Sampled);

        Assert.Equal(
            """
            SERVER GET /ask
              PRODUCER orders request
                PRODUCER orders publish
                  CONSUMER orders receive
                    INTERNAL handle
                      CLIENT GET
                        SERVER GET /stock
                      PRODUCER inbox publish
                        CONSUMER inbox receive
            """,
            TraceOutline.Of(spans));
    }

    [SkippableFact]
    public async Task Request_IsNotSampled_TheCallsOfTheHandlerSayNo()
    {
        var (spans, sampled) = await RunAsync("/ask", TracedApp.NotSampled);

        Assert.Equal(("", "0"), (TraceOutline.Of(spans), sampled));
    }

    [SkippableFact]
    public async Task Publish_ToAJetStream_IsOneTree()
    {
        var (spans, _) = await RunAsync("/store", TracedApp.Sampled);

        Assert.Equal(
            """
            SERVER GET /store
              PRODUCER jobs request
                PRODUCER jobs publish
                  CONSUMER jobs receive
                    INTERNAL handle
                      CLIENT GET
                        SERVER GET /stock
                      PRODUCER $JS.ACK publish
                CONSUMER inbox receive
            """,
            TraceOutline.Of(spans));
    }

    // Handles one message, with the sampling that its call says.
    private async Task<(IReadOnlyList<CollectedSpan> Spans, string? Sampled)> RunAsync(string path, string caller)
    {
        await using var nats = new NatsClient(await servers.NatsAsync());
        await nats.ConnectAsync();
        var stream = nats.CreateJetStreamContext();
        await stream.CreateOrUpdateStreamAsync(new StreamConfig("jobs", ["jobs"]));
        var consumer = await stream.CreateOrUpdateConsumerAsync("jobs", new ConsumerConfig("worker"));
        var calls = new ConcurrentQueue<string>();
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.MapGet("/ask", async () => (await nats.RequestAsync<string, string>("orders", "1")).Data);
                app.MapGet("/store", async () => await stream.PublishAsync("jobs", "1"));
                app.MapGet("/stock", (HttpContext context) => calls.Enqueue(context.Request.Headers["X-B3-Sampled"].ToString()));
            },
            builder => builder.Services.AddHttpClient(),
            // Subscriptions and pulls.
            o => o.Ignore.RootSources.Add("NATS.Net"));
        var http = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        var handling = path == "/ask" ? AnswerAsync() : WorkAsync();
        // What was sent before is answered: the server knows the subscription.
        await nats.PingAsync();
        await app.GetAsync(path, caller);
        await handling.WithinAMinuteAsync("The message is not handled");
        return (await app.StopAsync(), calls.Single());

        async Task AnswerAsync()
        {
            await foreach (var message in nats.SubscribeAsync<string>("orders"))
            {
                using var activity = message.StartActivity("handle");
                await http.GetStringAsync(new Uri(app.Address, "/stock"));
                await message.ReplyAsync("yes");
                return;
            }
        }

        async Task WorkAsync()
        {
            await foreach (var message in consumer.ConsumeAsync<string>())
            {
                using var activity = message.StartActivity("handle");
                await http.GetStringAsync(new Uri(app.Address, "/stock"));
                await message.AckAsync();
                return;
            }
        }
    }
}
