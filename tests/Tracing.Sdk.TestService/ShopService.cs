using Grpc.Core;
using Tracing.Sdk.TestService.Shop;

namespace Tracing.Sdk.TestService;

/// <summary>All four kinds of gRPC call, each of which calls the URL of its first message by HTTP.</summary>
internal sealed class ShopService(IHttpClientFactory clients) : Shop.Echo.EchoBase
{
    public override async Task<Msg> Unary(Msg request, ServerCallContext context)
    {
        if (request.Text == "fail") throw new RpcException(new Status(StatusCode.FailedPrecondition, "The order is gone."));
        if (request.Text == "broken") throw new InvalidOperationException("A bug.");
        await CallAsync(request);
        return request;
    }

    public override async Task Stream(Msg request, IServerStreamWriter<Msg> responseStream, ServerCallContext context)
    {
        await CallAsync(request);
        for (var n = 0; n < Math.Max(request.N, 2); n++) await responseStream.WriteAsync(new Msg { N = n });
    }

    public override async Task Duplex(IAsyncStreamReader<Msg> requestStream, IServerStreamWriter<Msg> responseStream, ServerCallContext context)
    {
        var isFirst = true;
        await foreach (var request in requestStream.ReadAllAsync())
        {
            if (isFirst) await CallAsync(request);
            isFirst = false;
            await responseStream.WriteAsync(request);
        }
    }

    public override async Task<Msg> Collect(IAsyncStreamReader<Msg> requestStream, ServerCallContext context)
    {
        var n = 0;
        await foreach (var request in requestStream.ReadAllAsync())
        {
            if (n++ == 0) await CallAsync(request);
        }

        return new Msg { N = n };
    }

    private async Task CallAsync(Msg request)
    {
        if (request.Url.Length == 0) return;
        using var response = await clients.CreateClient().GetAsync(request.Url);
    }
}
