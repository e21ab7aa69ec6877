using Tracing.Sdk;
using Tracing.Sdk.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Sets the trust in callers' trace contexts per endpoint.</summary>
public static class TraceTrustEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Lowers the trust in callers of this endpoint to <paramref name="trust"/>, where the service trusts them more:
    /// for a webhook that strangers call, <c>app.MapPost("/hooks", ...).WithTraceTrust(TraceTrust.Restart)</c>.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of endpoint or group.</typeparam>
    /// <param name="builder">The endpoint, or a group of them. The level of an endpoint replaces that of its group.</param>
    /// <param name="trust">The trust level. <see cref="TraceTrust.Trust"/> leaves the decision to the service's own rules.</param>
    /// <returns>The same builder.</returns>
    public static TBuilder WithTraceTrust<TBuilder>(this TBuilder builder, TraceTrust trust) where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        var metadata = new EndpointTrust(trust);
        EndpointRules.MayExist = true;
        builder.Add(endpoint =>
        {
            // Conventions of groups run first. The delegate is wrapped once and reads the last metadata.
            var isWrapped = endpoint.Metadata.Any(m => m is EndpointTrust);
            endpoint.Metadata.Add(metadata);
            if (!isWrapped && endpoint.RequestDelegate is { } inner) endpoint.RequestDelegate = EndpointTrust.Wrap(inner);
        });
        return builder;
    }
}
