using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Shop;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>What the server span of a gRPC call says, by OpenTelemetry's conventions for gRPC.</summary>
[Collection(Alone.Name)]
public sealed class GrpcServerSpanTests
{
    private static readonly StatusCode[] Errors =
        [StatusCode.Unknown, StatusCode.DeadlineExceeded, StatusCode.Unimplemented, StatusCode.Internal, StatusCode.Unavailable, StatusCode.DataLoss];

    [Fact]
    public async Task Unary_Succeeds_IsNamedByItsMethod()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync);

        Assert.Equal(("shop.Orders/Get", "unset"), (run.Server.Name, run.Server.Status));
        Assert.Equal(("grpc", "shop.Orders/Get", "OK"), Rpc(run.Server));
        Assert.Null(run.Server.Tag("error.type"));
    }

    [Fact]
    public async Task Unary_Succeeds_KeepsTheAttributesOfItsRequest()
    {
        var server = (await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync)).Server;

        Assert.Equal(("POST", "/shop.Orders/Get", "/shop.Orders/Get"), (server.Tag("http.request.method"), server.Tag("url.path"), server.Tag("http.route")));
        Assert.Equal((200L, "2", "127.0.0.1"), (server.Tag("http.response.status_code"), server.Tag("network.protocol.version"), server.Tag("server.address")));
    }

    [Fact]
    public async Task Unary_Succeeds_ShowsNoTagsOfTheServersOwn()
    {
        var server = (await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync)).Server;

        Assert.DoesNotContain(server.Tags.Keys, key => key.StartsWith("grpc.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(StatusCode.Cancelled, "CANCELLED")]
    [InlineData(StatusCode.Unknown, "UNKNOWN")]
    [InlineData(StatusCode.InvalidArgument, "INVALID_ARGUMENT")]
    [InlineData(StatusCode.DeadlineExceeded, "DEADLINE_EXCEEDED")]
    [InlineData(StatusCode.NotFound, "NOT_FOUND")]
    [InlineData(StatusCode.AlreadyExists, "ALREADY_EXISTS")]
    [InlineData(StatusCode.PermissionDenied, "PERMISSION_DENIED")]
    [InlineData(StatusCode.ResourceExhausted, "RESOURCE_EXHAUSTED")]
    [InlineData(StatusCode.FailedPrecondition, "FAILED_PRECONDITION")]
    [InlineData(StatusCode.Aborted, "ABORTED")]
    [InlineData(StatusCode.OutOfRange, "OUT_OF_RANGE")]
    [InlineData(StatusCode.Unimplemented, "UNIMPLEMENTED")]
    [InlineData(StatusCode.Internal, "INTERNAL")]
    [InlineData(StatusCode.Unavailable, "UNAVAILABLE")]
    [InlineData(StatusCode.DataLoss, "DATA_LOSS")]
    [InlineData(StatusCode.Unauthenticated, "UNAUTHENTICATED")]
    [InlineData((StatusCode)42, "42")]
    public async Task Unary_Fails_IsAnErrorIfTheServerIsAtFault(StatusCode code, string name)
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = OrdersCalls.Status + (int)code }).ResponseAsync);

        var isError = Errors.Contains(code);
        Assert.Equal(("shop.Orders/Get", isError ? "error" : "unset"), (run.Server.Name, run.Server.Status));
        Assert.Equal((name, isError ? name : null), (run.Server.Tag("rpc.response.status_code"), run.Server.Tag("error.type")));
    }

    [Fact]
    public async Task Unary_Throws_IsUnknown()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = OrdersCalls.Bug }).ResponseAsync);

        Assert.Equal(("UNKNOWN", "UNKNOWN", "error"), (run.Server.Tag("rpc.response.status_code"), run.Server.Tag("error.type"), run.Server.Status));
    }

    [Fact]
    public async Task ServerStream_FailsAfterMessages_HasTheStatusOfItsTrailers()
    {
        var run = await CallAsync(async orders =>
        {
            using var call = orders.List(new OrderRequest { Id = 2 });
            await foreach (var _ in call.ResponseStream.ReadAllAsync()) { }
        });

        Assert.Equal(("shop.Orders/List", "OK"), (run.Server.Name, run.Server.Tag("rpc.response.status_code")));
    }

    [Fact]
    public async Task Method_NotInTheService_IsNamedAndUnimplemented()
    {
        var run = await CallAsync(orders => orders.MissingAsync(new OrderRequest()).ResponseAsync);

        Assert.Equal(("shop.Orders/Missing", "error"), (run.Server.Name, run.Server.Status));
        Assert.Equal(("grpc", "shop.Orders/Missing", "UNIMPLEMENTED"), Rpc(run.Server));
    }

    // Names from strangers would make as many names of spans.
    [Theory]
    [InlineData("/shop.Orders/Guess")]
    [InlineData("/other.Service/Get")]
    public async Task Method_OfNoService_IsOther(string path)
    {
        var run = await GrpcShop.CallAsync(target => PostAsync(target, path));

        Assert.Equal(("grpc", "error"), (run.Server.Name, run.Server.Status));
        Assert.Equal(("grpc", "_OTHER", "UNIMPLEMENTED"), Rpc(run.Server));
        Assert.Equal((path[1..], "UNIMPLEMENTED"), (run.Server.Tag("rpc.method_original"), run.Server.Tag("error.type")));
    }

    [Fact]
    public async Task Deadline_Passes_IsWhatTheCallerGets()
    {
        // This caller has no clock of its own.
        var run = await GrpcShop.CallAsync(target => PostAsync(target, "/shop.Orders/Get", ("grpc-timeout", "20m")));

        Assert.Equal(("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "error"), (run.Server.Tag("rpc.response.status_code"), run.Server.Tag("error.type"), run.Server.Status));
    }

    [Fact]
    public async Task Client_HasGone_IsCancelledAndNoError()
    {
        var run = await GrpcShop.CallAsync(async target =>
        {
            using var gone = new CancellationTokenSource();
            using var channel = GrpcChannel.ForAddress(target.Address);
            var call = new Orders.OrdersClient(channel).GetAsync(new OrderRequest { Id = OrdersCalls.Wait }, cancellationToken: gone.Token).ResponseAsync;
            await target.Calls.IsCalled;
            await gone.CancelAsync();
            await Assert.ThrowsAsync<RpcException>(() => call);
        });

        Assert.Equal(("CANCELLED", null, "unset"), (run.Server.Tag("rpc.response.status_code"), run.Server.Tag("error.type"), run.Server.Status));
    }

    [Fact]
    public async Task Request_RefusedBeforeTheService_KeepsItsNameAndHasTheStatusOfHttp()
    {
        var run = await CallAsync(
            orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync,
            app => app.Use((HttpContext context, RequestDelegate _) =>
            {
                context.Response.StatusCode = 401;
                return Task.CompletedTask;
            }));

        Assert.Equal(("shop.Orders/Get", "unset", 401L), (run.Server.Name, run.Server.Status, run.Server.Tag("http.response.status_code")));
        Assert.Equal(("grpc", "shop.Orders/Get", null), Rpc(run.Server));
    }

    [Fact]
    public async Task Request_MiddlewareThrows_IsAnError()
    {
        var run = await CallAsync(
            orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync,
            app => app.Use((HttpContext _, RequestDelegate _) => throw new InvalidOperationException("middleware")));

        Assert.Equal(("shop.Orders/Get", "error"), (run.Server.Name, run.Server.Status));
        Assert.Equal((500L, "System.InvalidOperationException"), (run.Server.Tag("http.response.status_code"), run.Server.Tag("error.type")));
    }

    [Fact]
    public async Task Request_IsNoGrpc_IsNamedAsAnyOther()
    {
        var run = await GrpcShop.CallAsync(target => PostAsync(target, "/shop.Orders/Get", contentType: "application/json"));

        Assert.Equal(("POST /shop.Orders/Get", 415L), (run.Server.Name, run.Server.Tag("http.response.status_code")));
        Assert.Null(run.Server.Tag("rpc.method"));
    }

    [Fact]
    public async Task Service_InAGroup_IsNamedWithoutThePrefix()
    {
        var run = await GrpcShop.CallAsync(
            target => PostAsync(target, "/api/v2/shop.Orders/Get"),
            use: app => app.MapGroup("/api/v2").MapPost("/shop.Orders/Get", () => { }).WithDisplayName("gRPC - /shop.Orders/Get"));

        Assert.Equal(("shop.Orders/Get", "shop.Orders/Get"), (run.Server.Name, run.Server.Tag("rpc.method")));
    }

    [Fact]
    public async Task Name_SetByTheApplication_IsKept()
    {
        var run = await CallAsync(
            orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync,
            app => app.Use((context, next) =>
            {
                System.Diagnostics.Activity.Current!.DisplayName = "mine";
                return next(context);
            }));

        Assert.Equal("mine", run.Server.Name);
    }

    [Fact]
    public async Task RequestEnd_ReadsTheStatus()
    {
        object? read = null;
        await CallAsync(
            orders => orders.GetAsync(new OrderRequest { Id = OrdersCalls.Status + (int)StatusCode.Internal }).ResponseAsync,
            serverOptions: o => o.Enrich.RequestEnd = (activity, _, _) => read = activity.GetTagItem("rpc.response.status_code"));

        Assert.Equal("INTERNAL", read);
    }

    private static (object? System, object? Method, object? Status) Rpc(Span span) => (span.Tag("rpc.system.name"), span.Tag("rpc.method"), span.Tag("rpc.response.status_code"));

    private static Task<GrpcRun> CallAsync(
        Func<Orders.OrdersClient, Task> call, Action<WebApplication>? use = null, Action<MeshTracingOptions>? serverOptions = null) => GrpcShop.CallAsync(
        async target =>
        {
            using var channel = GrpcChannel.ForAddress(target.Address);
            try
            {
                await call(new Orders.OrdersClient(channel));
            }
            catch (RpcException)
            {
            }
        },
        use: use,
        serverOptions: serverOptions);

    private static async Task PostAsync(GrpcTarget target, string path, (string Name, string Value)? header = null, string contentType = "application/grpc")
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(target.Address, path))
        {
            // An empty message.
            Content = new ByteArrayContent(new byte[5]), Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        if (header is { } own) request.Headers.Add(own.Name, own.Value);
        using var response = await client.SendAsync(request);
    }
}
