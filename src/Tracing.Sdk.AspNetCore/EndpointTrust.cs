using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Metadata of an endpoint: how far its callers are trusted. Of several the last counts, which is that of the endpoint itself.</summary>
internal sealed class EndpointTrust(TraceTrust trust)
{
    /// <summary>Runs an endpoint's delegate with as much trust as its metadata leaves.</summary>
    public static Task InvokeAsync(HttpContext context, RequestDelegate endpoint)
    {
        if (context.RequestServices.GetService<MeshTracing>() is not { } tracing) return endpoint(context);
        return RequestTrust.ApplyAsync(
            context, Of(context), tracing, endpoint, c => TracingMiddleware.CompleteCurrentAsync(c, tracing, endpoint));
    }

    private static TraceTrust Of(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<EndpointTrust>()?.Trust ?? TraceTrust.Trust;

    private TraceTrust Trust => trust;
}
