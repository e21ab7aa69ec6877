using Microsoft.Extensions.Http;

namespace Tracing.Sdk.Http;

/// <summary>Puts a <see cref="MeshTracingHandler"/> into every client of IHttpClientFactory, innermost, so that each retry is a span of its own.</summary>
internal sealed class TracingHandlerFilter : IHttpMessageHandlerBuilderFilter
{
    public Action<HttpMessageHandlerBuilder> Configure(Action<HttpMessageHandlerBuilder> next) => builder =>
    {
        next(builder);
        // A client never needs two, so one that user code added is enough.
        if (!builder.AdditionalHandlers.Any(handler => handler is MeshTracingHandler)) builder.AdditionalHandlers.Add(new MeshTracingHandler());
    };
}
