using System.Collections.Concurrent;
using Grpc.Core;
using Grpc.Net.Client;
using Tracing.Sdk.TestService.Shop;

namespace Tracing.Sdk.TestService;

/// <summary>Calls shop.Echo in a service of any language.</summary>
internal static class ShopClient
{
    private static readonly ConcurrentDictionary<string, GrpcChannel> Channels = new();

    /// <summary>One call; returns its status.</summary>
    /// <param name="target">For example <c>http://127.0.0.1:41234</c>.</param>
    /// <param name="kind"><c>unary</c>, <c>fail</c>, <c>broken</c>, <c>stream</c>, <c>collect</c> or <c>duplex</c>.</param>
    /// <param name="url">What the server is to call; it is in the first message only.</param>
    public static async Task<string> CallAsync(string target, string kind, string? url)
    {
        var client = new Shop.Echo.EchoClient(Channels.GetOrAdd(target, address => GrpcChannel.ForAddress(address)));
        var request = new Msg { Text = kind, Url = url ?? "", N = 2 };
        try
        {
            await (kind switch
            {
                "stream" => ReadAsync(client.Stream(request).ResponseStream),
                "duplex" => ExchangeAsync(client.Duplex(), request),
                "collect" => SendAsync(client.Collect(), request),
                _ => client.UnaryAsync(request).ResponseAsync,
            });
            return nameof(StatusCode.OK);
        }
        catch (RpcException e)
        {
            return e.StatusCode.ToString();
        }
    }

    private static async Task ReadAsync(IAsyncStreamReader<Msg> responses)
    {
        await foreach (var _ in responses.ReadAllAsync()) { }
    }

    private static async Task SendAsync(AsyncClientStreamingCall<Msg, Msg> call, Msg first)
    {
        using (call)
        {
            await call.RequestStream.WriteAsync(first);
            await call.RequestStream.WriteAsync(new Msg());
            await call.RequestStream.CompleteAsync();
            await call;
        }
    }

    private static async Task ExchangeAsync(AsyncDuplexStreamingCall<Msg, Msg> call, Msg first)
    {
        using (call)
        {
            await call.RequestStream.WriteAsync(first);
            await call.RequestStream.WriteAsync(new Msg());
            await call.RequestStream.CompleteAsync();
            await ReadAsync(call.ResponseStream);
        }
    }
}
