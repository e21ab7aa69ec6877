using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.CompatibilityTests.Calls;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.CompatibilityTests.Shop;

namespace Tracing.Sdk.CompatibilityTests.Logs;

/// <summary>An application whose one request logs around a gRPC call, a call, and a call that is ignored.</summary>
internal sealed class LoggedWork : IAsyncDisposable
{
    /// <summary>What it logs itself.</summary>
    public static readonly string[] Messages = ["before", "between", "after", "placed"];

    private readonly ScriptedEndpoint _catalog = ScriptedEndpoint.Start();
    private readonly ScriptedEndpoint _vault = ScriptedEndpoint.Start();
    private TracedApp? _app;

    public TracedApp App => _app!;

    /// <param name="build">Adds the library that logs.</param>
    /// <param name="use">Adds its middleware.</param>
    public static async Task<LoggedWork> StartAsync(Action<WebApplicationBuilder> build, Action<WebApplication>? use = null)
    {
        var work = new LoggedWork();
        work._app = await TracedApp.StartAsync(
            app =>
            {
                use?.Invoke(app);
                app.MapGrpcService<OrdersService>();
                app.MapGet("/orders", async (ILogger<LoggedWork> logger, IHttpClientFactory clients, ILoggerFactory factory) =>
                {
                    logger.LogInformation("before");
                    using var channel = GrpcChannel.ForAddress(app.Urls.Last(), new GrpcChannelOptions { LoggerFactory = factory });
                    await new Orders.OrdersClient(channel).PlaceAsync(new PlaceRequest { Article = "pen" });
                    logger.LogInformation("between");
                    using var client = clients.CreateClient();
                    await client.GetStringAsync(work._catalog.Address);
                    await client.GetStringAsync(work._vault.Address);
                    logger.LogInformation("after");
                });
            },
            builder =>
            {
                builder.WebHost.ConfigureKestrel(kestrel =>
                {
                    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http1);
                    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2);
                });
                builder.Logging.SetMinimumLevel(LogLevel.Debug);
                builder.Services.AddGrpc();
                builder.Services.AddHttpClient();
                build(builder);
            },
            o => o.Ignore.Calls.Add($"127.0.0.1:{work._vault.Address.Port}"));
        return work;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _catalog.Dispose();
        _vault.Dispose();
    }

    private sealed class OrdersService(ILogger<OrdersService> logger) : Orders.OrdersBase
    {
        public override Task<PlaceReply> Place(PlaceRequest request, ServerCallContext context)
        {
            logger.LogInformation("placed");
            return Task.FromResult(new PlaceReply { Id = 1 });
        }
    }
}
