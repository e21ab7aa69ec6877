using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.Messages;

namespace Tracing.Sdk.CompatibilityTests.Messages;

/// <summary>Messages of Confluent.Kafka without a broker: what a producer sends is what a consumer gets.</summary>
[WorksWith("Confluent.Kafka", "the handling of a message, in the trace of its sender or with a link to it", SetUp = "[two lines](messages.md#kafka)")]
public sealed class KafkaHeadersTests
{
    private static readonly ActivitySource Source = new("Shop.Kafka");

    [Fact]
    public async Task ProduceInRequest_Consumed_IsInTheTraceOfTheRequest()
    {
        var sent = new Message<string, string>();
        await using var app = await StartAsync(sent);
        await app.GetAsync("/orders");
        await HandleAsync(app, sent);

        Assert.Equal(
            """
            SERVER GET /orders
              CONSUMER process orders
                CLIENT GET
                  SERVER GET /stock
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [Theory]
    [InlineData(TracedApp.NotSampled)]
    [InlineData("b3: 0")]
    public async Task ProduceInUnsampledRequest_Consumed_MakesNoSpan(string header)
    {
        var sent = new Message<string, string>();
        await using var app = await StartAsync(sent);
        await app.GetAsync("/orders", header);
        await HandleAsync(app, sent);

        Assert.Empty(await app.StopAsync());
    }

    [Fact]
    public async Task ProduceInDebugRequest_Consumed_IsStillDebug()
    {
        var (sent, next) = (new Message<string, string>(), new Message<string, string> { Headers = [] });
        await using var app = await StartAsync(sent, o => o.Sampling.Ratio = 0);
        await app.GetAsync("/orders", $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-d");
        using (Receive(sent)) Inject(next.Headers);
        await app.StopAsync();

        Assert.Equal("1", Text(next.Headers, "X-B3-Flags"));
    }

    [Fact]
    public async Task ProduceAgain_HeadersThatCameIn_AreReplaced()
    {
        var sent = new Message<string, string>();
        await using var app = await StartAsync(sent);
        await app.GetAsync("/orders");
        var before = Text(sent.Headers, "traceparent");
        using (Receive(sent)) Inject(sent.Headers);
        await app.StopAsync();

        Assert.NotEqual(before, Text(sent.Headers, "traceparent"));
        Assert.Equal(sent.Headers.Count, sent.Headers.Select(header => header.Key).Distinct().Count());
    }

    private static Task<TracedApp> StartAsync(Message<string, string> sent, Action<MeshTracingOptions>? options = null) => TracedApp.StartAsync(
        app =>
        {
            app.MapGet("/orders", () => Inject(sent.Headers = []));
            app.MapGet("/stock", () => 1);
        },
        options: options);

    private static async Task HandleAsync(TracedApp app, Message<string, string> message)
    {
        using (Receive(message))
        {
            using var client = new HttpClient();
            await client.GetStringAsync(new Uri(app.Address, "/stock"));
        }
    }

    private static void Inject(Headers headers) => MessageTracing.Inject(headers, static (headers, name, value) =>
    {
        headers.Remove(name);
        headers.Add(name, Encoding.ASCII.GetBytes(value));
    });

    private static MessageScope Receive(Message<string, string> message) => MessageTracing.Receive(
        Source, "process orders", message.Headers, static (headers, name) => headers.TryGetLastBytes(name, out var value) ? [Encoding.ASCII.GetString(value)] : null);

    private static string Text(Headers headers, string name) => Encoding.ASCII.GetString(headers.GetLastBytes(name));
}
