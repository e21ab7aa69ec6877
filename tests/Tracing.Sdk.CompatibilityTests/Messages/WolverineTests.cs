using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;
using Wolverine;
using Wolverine.RabbitMQ;

namespace Tracing.Sdk.CompatibilityTests.Messages;

[WorksWith("WolverineFx.RabbitMQ", "send and receive, in the trace of the sender; those of RabbitMQ.Client below them; a few roots at start and stop", SetUp = "nothing; `Ignore:Sources` with `RabbitMQ.Client.*` leaves out the lower ones", Name = "Wolverine")]
[Collection(Servers.Name)]
public sealed class WolverineTests(Servers servers)
{
    [SkippableFact]
    public async Task Publish_InARequest_IsOneTreeWithTheCallsOfTheHandler() => Assert.Equal(
        """
        SERVER GET /send
          PRODUCER send
            PRODUCER publish wolverine
              CONSUMER deliver wolverine
          CONSUMER receive
            CLIENT GET
              SERVER GET /stock
        """,
        await RunAsync(TracedApp.Sampled));

    [SkippableFact]
    public async Task Publish_RequestIsNotSampled_HasNoSpans() => Assert.Equal("", await RunAsync(TracedApp.NotSampled));

    private async Task<string> RunAsync(string caller)
    {
        var server = await servers.RabbitMqAsync();
        var handled = new Signal("The order is not handled");
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.MapGet("/send", (IMessageBus bus) => bus.PublishAsync(new Order(new Uri(app.Urls.First() + "/stock"))).AsTask());
                app.MapGet("/stock", () => "7");
            },
            builder =>
            {
                builder.Services.AddSingleton(handled).AddHttpClient();
                builder.Host.UseWolverine(wolverine =>
                {
                    wolverine.Discovery.DisableConventionalDiscovery().IncludeType(typeof(OrderHandler));
                    wolverine.UseRabbitMq(server).AutoProvision();
                    wolverine.PublishMessage<Order>().ToRabbitQueue("wolverine");
                    wolverine.ListenToRabbitQueue("wolverine");
                });
            },
            // Connects when it starts, and stops its listeners when it stops.
            o => o.Sampling.Rules.Add(SamplingRule.Parse("never source=Wolverine")));
        await app.GetAsync("/send", caller);
        await handled.WaitAsync();
        return TraceOutline.Of(await app.StopAsync());
    }

    public sealed record Order(Uri Stock);

    public static class OrderHandler
    {
        public static async Task Handle(Order order, Signal handled, IHttpClientFactory clients)
        {
            await clients.CreateClient().GetStringAsync(order.Stock);
            handled.Set();
        }
    }
}
