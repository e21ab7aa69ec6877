using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Metadata of an endpoint: the trust in its callers. Of several the last counts, which is that of the endpoint itself.</summary>
internal sealed class EndpointTrust(TraceTrust trust)
{
    /// <summary>Returns a delegate that applies the trust of the metadata and runs the endpoint's delegate.</summary>
    public static RequestDelegate Wrap(RequestDelegate endpoint)
    {
        // Both are made once for all requests of the endpoint.
        RequestDelegate completing = context => context.RequestServices.GetService<ServerSettings>() is { } settings
            ? TracingMiddleware.CompleteCurrentAsync(context, context.RequestServices.GetRequiredService<TracingInstance>(), settings, endpoint)
            : endpoint(context);
        return context => context.RequestServices.GetService<TracingInstance>() is { } tracing
            ? RequestTrust.ApplyAsync(context, Of(context.GetEndpoint()), tracing, endpoint, completing)
            : endpoint(context);
    }

    /// <summary>The trust in callers of an endpoint.</summary>
    public static TraceTrust Of(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<EndpointTrust>()?.Trust ?? TraceTrust.Trust;

    private TraceTrust Trust => trust;
}
