using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace Tracing.Sdk.Http;

/// <summary>Puts a <see cref="MeshTracingHandler"/> into every client of IHttpClientFactory, innermost, so that each retry is a span of its own.</summary>
internal sealed class TracingHandlerFilter(IOptionsMonitor<HttpClientTracingOptions> options) : IHttpMessageHandlerBuilderFilter
{
    public Action<HttpMessageHandlerBuilder> Configure(Action<HttpMessageHandlerBuilder> next) => builder =>
    {
        next(builder);
        // A client never needs two, so one that user code added is enough.
        var handler = builder.AdditionalHandlers.OfType<MeshTracingHandler>().FirstOrDefault();
        if (handler is null) builder.AdditionalHandlers.Add(handler = new MeshTracingHandler());
        handler.Settings = CallSettings.Create(options.Get(builder.Name));
    };
}
