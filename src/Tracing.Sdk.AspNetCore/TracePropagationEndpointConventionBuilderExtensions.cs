using Tracing.Sdk;
using Tracing.Sdk.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Says per endpoint how far callers' trace contexts are believed.</summary>
public static class TracePropagationEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Believes callers of this endpoint as far as <paramref name="trust"/> says, where it says less than the service does:
    /// for a webhook that strangers call, <c>app.MapPost("/hooks", ...).WithTracePropagation(TraceTrust.Restart)</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint or group.</typeparam>
    /// <param name="builder">The endpoint, or a group of them. The level of an endpoint counts, not that of its group.</param>
    /// <param name="trust">How far to believe. <see cref="TraceTrust.Trust"/> leaves it to the service's own rules.</param>
    /// <returns>The same builder.</returns>
    public static TBuilder WithTracePropagation<TBuilder>(this TBuilder builder, TraceTrust trust)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        var metadata = new EndpointTrust(trust);
        builder.Add(endpoint =>
        {
            // Conventions of groups run first: the delegate is wrapped once, and reads the last metadata.
            var isWrapped = endpoint.Metadata.Any(m => m is EndpointTrust);
            endpoint.Metadata.Add(metadata);
            if (!isWrapped && endpoint.RequestDelegate is { } inner) endpoint.RequestDelegate = EndpointTrust.Wrap(inner);
        });
        return builder;
    }
}
