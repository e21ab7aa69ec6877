using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("Microsoft.AspNetCore.SignalR.Client", "a CLIENT span of each invocation and a SERVER span of the hub's method, in one trace, linked to the request of the connection; that request lasts as long as the connection", Name = "SignalR")]
public sealed class SignalRTests
{
    private const string Hub = "Tracing.Sdk.CompatibilityTests.Web.OrdersHub";

    [Fact]
    public async Task Connection_HasTheSpansOfItsRequests_AndATraceForEachInvocation()
    {
        await using var app = await StartAsync();
        await RunAsync(app, HttpTransportType.WebSockets, async connection =>
        {
            await connection.InvokeAsync<string>(nameof(OrdersHub.Place), 7);
            await foreach (var _ in connection.StreamAsync<int>(nameof(OrdersHub.Count), 2))
            {
                // Only read.
            }

            await Assert.ThrowsAsync<HubException>(() => connection.InvokeAsync(nameof(OrdersHub.Fail)));
        });

        Assert.Equal(
            $"""
            root
              CLIENT POST
                SERVER POST /hub/negotiate
            root
              CLIENT GET
                SERVER GET /hub
                  INTERNAL {Hub}/OnConnectedAsync
                  INTERNAL {Hub}/OnDisconnectedAsync
            root
              CLIENT hub/Place
                SERVER {Hub}/Place
                  INTERNAL place
            root
              CLIENT hub/Count
                SERVER {Hub}/Count
            root
              CLIENT hub/Fail !
                SERVER {Hub}/Fail !
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task Invocation_IsLinkedToTheConnection(HttpTransportType transport)
    {
        await using var app = await StartAsync();
        await RunAsync(app, transport, connection => connection.InvokeAsync<string>(nameof(OrdersHub.Place), 7));
        var spans = await app.StopAsync();
        var link = Assert.Single(Assert.Single(spans, span => span.Name == $"{Hub}/Place").Links);

        Assert.Equal("GET /hub", Assert.Single(spans, span => span.Id == link.SpanId && span.TraceId == link.TraceId).Name);
    }

    [Fact]
    public async Task NotSampled_TravelsToTheHub()
    {
        await using var app = await StartAsync(o => o.Sampling.Ratio = 0);
        var id = "";
        await RunAsync(app, HttpTransportType.WebSockets, async connection => id = await connection.InvokeAsync<string>(nameof(OrdersHub.Place), 7));

        Assert.Empty(await app.StopAsync());
        Assert.True(ActivityContext.TryParse(id, null, out var context) && (context.TraceFlags & ActivityTraceFlags.Recorded) == 0, id);
    }

    private static Task<TracedApp> StartAsync(Action<MeshTracingOptions>? options = null) =>
        TracedApp.StartAsync(app => app.MapHub<OrdersHub>("/hub"), build => build.Services.AddSignalR(), options);

    private static async Task RunAsync(TracedApp app, HttpTransportType transport, Func<HubConnection, Task> run)
    {
        await using var connection = new HubConnectionBuilder().WithUrl(new Uri(app.Address, "/hub"), o => o.Transports = transport).Build();
        await connection.StartAsync();
        await run(connection);
    }
}

public sealed class OrdersHub : Hub
{
    private static readonly ActivitySource Source = new("Shop");

    public string? Place(int id)
    {
        using var activity = Source.StartActivity("place")?.SetTag("order", id).SetTag("connection", Context.ConnectionId);
        return Activity.Current?.Id;
    }

    public async IAsyncEnumerable<int> Count(int end)
    {
        for (var i = 0; i < end && !Context.ConnectionAborted.IsCancellationRequested; i++)
        {
            await Task.Yield();
            yield return i;
        }
    }

    public void Fail() => throw new HubException($"{Context.ConnectionId} is refused");
}
