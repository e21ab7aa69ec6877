using Grpc.Core;

namespace Tracing.Sdk.TestService;

/// <summary>The headers that came in, over gRPC.</summary>
internal sealed class EchoService : Echo.EchoBase
{
    public override Task<HeadersReply> Headers(HeadersRequest request, ServerCallContext context)
    {
        var reply = new HeadersReply();
        foreach (var header in context.RequestHeaders.Where(header => !header.IsBinary))
            reply.Headers[header.Key] = header.Value;
        return Task.FromResult(reply);
    }
}
