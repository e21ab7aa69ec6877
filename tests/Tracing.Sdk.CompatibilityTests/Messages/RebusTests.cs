using Microsoft.AspNetCore.Builder;
using Rebus.Bus;
using Rebus.Config;
using Rebus.Handlers;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Messages;

[WorksWith("Rebus.PostgreSql", "none of messages; those of its commands, and its polls of the table are roots", SetUp = "`Ignore:RootSources` with `Npgsql` leaves out the polls; [messages](messages.md) carries traces through messages", Name = "Rebus")]
[Collection(Servers.Name)]
public sealed class RebusTests(Servers servers)
{
    [SkippableFact]
    public async Task Send_RootsOfTheDatabaseAreLeftOut_HasNoPolls()
    {
        var connection = await servers.PostgresAsync();
        var handled = new Signal("The order is not handled");
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/send", (IBus bus) => bus.SendLocal("order 1")),
            builder => builder.Services
                .AddRebusHandler(_ => new OrderHandler(handled))
                .AddRebus(rebus => rebus.Transport(transport => transport.UsePostgreSql(connection, "rebus", "orders"))),
            o => o.Ignore.RootSources.Add("Npgsql"));
        await app.GetAsync("/send");
        await handled.WaitAsync();
        var spans = await app.StopAsync();

        Assert.Equal("SERVER GET /send\n  CLIENT postgresql", TraceOutline.Of([.. spans.Where(span => !span.Name.StartsWith("CONNECT", StringComparison.Ordinal))]));
    }

    private sealed class OrderHandler(Signal handled) : IHandleMessages<string>
    {
        public Task Handle(string message)
        {
            handled.Set();
            return Task.CompletedTask;
        }
    }
}
