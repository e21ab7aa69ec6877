using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Shop;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>A real gRPC service, h2c, called from inside a request of another traced service.</summary>
internal static class GrpcShop
{
    /// <param name="call">Calls the service, whose address it gets. It runs inside a request.</param>
    /// <param name="options">Settings in code of the calling service.</param>
    /// <param name="build">Services of the calling service.</param>
    /// <param name="use">Middleware of the called service.</param>
    /// <param name="serverOptions">Settings in code of the called service.</param>
    /// <param name="headers">Of the request around the call, as <c>name: value</c>.</param>
    public static async Task<GrpcRun> CallAsync(
        Func<GrpcTarget, Task> call, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null, Action<WebApplication>? use = null,
        Action<MeshTracingOptions>? serverOptions = null, params string[] headers)
    {
        var orders = new OrdersCalls();
        await using var service = await TestService.StartAsync(
            app =>
            {
                use?.Invoke(app);
                app.MapGrpcService<OrdersService>();
            },
            serverOptions,
            builder =>
            {
                builder.WebHost.ConfigureKestrel(k => k.ConfigureEndpointDefaults(e => e.Protocols = HttpProtocols.Http2));
                builder.Services.AddGrpc();
                builder.Services.AddSingleton(orders);
            });
        var (spans, log) = await Traced.RunWithLogAsync(services => call(new GrpcTarget(services, service.Address, orders)), options, build, headers);
        return new GrpcRun([.. spans, .. await service.StopAsync()], orders.Received, log);
    }

    private sealed class OrdersService(OrdersCalls calls) : Orders.OrdersBase
    {
        public override async Task<Order> Get(OrderRequest request, ServerCallContext context)
        {
            var count = calls.Note(context);
            switch (request.Id)
            {
                case OrdersCalls.Wait:
                    await Task.Delay(Timeout.Infinite, context.CancellationToken);
                    break;
                case OrdersCalls.Bug:
                    throw new InvalidOperationException("a bug");
                case > OrdersCalls.Status:
                    throw new RpcException(new Status((StatusCode)(request.Id - OrdersCalls.Status), "as asked"));
                // A negative id fails as many times.
                case < 0 when count <= -request.Id:
                    throw new RpcException(new Status(StatusCode.Unavailable, "later"));
            }

            return new Order { Id = request.Id };
        }

        public override async Task List(OrderRequest request, IServerStreamWriter<Order> responseStream, ServerCallContext context)
        {
            calls.Note(context);
            for (var i = 0; i < request.Id; i++) await responseStream.WriteAsync(new Order { Id = i });
            if (request.Id == OrdersCalls.Wait) await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }

        public override async Task<Order> Collect(IAsyncStreamReader<OrderRequest> requestStream, ServerCallContext context)
        {
            calls.Note(context);
            var last = 0;
            await foreach (var request in requestStream.ReadAllAsync()) last = request.Id;
            return new Order { Id = last };
        }

        public override async Task Chat(IAsyncStreamReader<OrderRequest> requestStream, IServerStreamWriter<Order> responseStream, ServerCallContext context)
        {
            calls.Note(context);
            await foreach (var request in requestStream.ReadAllAsync()) await responseStream.WriteAsync(new Order { Id = request.Id });
        }
    }
}

/// <summary>What the service does for an id, and the headers of the calls that it got.</summary>
internal sealed class OrdersCalls
{
    /// <summary>Waits until the call is cancelled.</summary>
    public const int Wait = 0;

    /// <summary>Throws an exception of the application.</summary>
    public const int Bug = 999;

    /// <summary>With the number of a status added: fails with this status.</summary>
    public const int Status = 1000;

    private readonly List<Dictionary<string, string>> _received = [];
    private readonly TaskCompletionSource _isCalled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<Dictionary<string, string>> Received
    {
        get
        {
            lock (_received) return [.. _received];
        }
    }

    /// <summary>Completes when the service has the first call.</summary>
    public Task IsCalled => _isCalled.Task;

    public int Note(ServerCallContext context)
    {
        _isCalled.TrySetResult();
        lock (_received)
        {
            _received.Add(context.RequestHeaders.Where(h => !h.IsBinary).ToDictionary(h => h.Key, h => h.Value));
            return _received.Count;
        }
    }
}

/// <summary>Where to call.</summary>
internal sealed record GrpcTarget(IServiceProvider Services, Uri Address, OrdersCalls Calls);

/// <summary>What became of the calls: the spans of both services, the headers of each call, and the log of the calling service.</summary>
internal sealed record GrpcRun(IReadOnlyList<Span> Spans, IReadOnlyList<Dictionary<string, string>> Received, LogCollector Log)
{
    /// <summary>The server spans of the called service.</summary>
    public IReadOnlyList<Span> Servers => [.. Spans.Where(s => s.Kind == "server" && s.Name != "GET /")];

    /// <summary>The only one.</summary>
    public Span Server => Assert.Single(Servers);

    /// <summary>The span of the request around the call.</summary>
    public Span Around => Assert.Single(Spans, s => s.Name == "GET /");

    public Span Client => Spans.Client();
}
