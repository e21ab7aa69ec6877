using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Metadata of an endpoint: how far its callers are trusted. Of several the last counts, which is that of the endpoint itself.</summary>
internal sealed class EndpointTrust(TraceTrust trust)
{
    /// <summary>A delegate that runs the endpoint's with as much trust as its metadata leaves.</summary>
    public static RequestDelegate Wrap(RequestDelegate endpoint)
    {
        // Both made once: an endpoint serves many requests.
        RequestDelegate completing = context => context.RequestServices.GetService<MeshTracing>() is { } tracing
            ? TracingMiddleware.CompleteCurrentAsync(context, tracing, endpoint)
            : endpoint(context);
        return context => context.RequestServices.GetService<MeshTracing>() is { } tracing
            ? RequestTrust.ApplyAsync(context, Of(context), tracing, endpoint, completing)
            : endpoint(context);
    }

    private static TraceTrust Of(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<EndpointTrust>()?.Trust ?? TraceTrust.Trust;

    private TraceTrust Trust => trust;
}
