using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk;
using Tracing.Sdk.AspNetCore;
using Tracing.Sdk.Propagation;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Says per endpoint how far callers' trace contexts are believed.</summary>
public static class TracePropagationEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Believes callers of this endpoint as far as <paramref name="trust"/> says, where it says less than the service does:
    /// for a webhook that strangers call, <c>app.MapPost("/hooks", ...).WithTracePropagation(TraceTrust.Restart)</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint or group.</typeparam>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="trust">How far to believe. <see cref="TraceTrust.Trust"/> leaves it to the service's own rules.</param>
    /// <returns>The same builder.</returns>
    public static TBuilder WithTracePropagation<TBuilder>(this TBuilder builder, TraceTrust trust)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint =>
        {
            if (endpoint.RequestDelegate is not { } inner) return;
            endpoint.RequestDelegate = context => context.RequestServices.GetService<MeshTracing>() is { } tracing
                ? EndpointTrust.InvokeAsync(context, trust, tracing, inner, c => TracingMiddleware.CompleteCurrentAsync(c, tracing, inner))
                : inner(context);
        });
        return builder;
    }
}
