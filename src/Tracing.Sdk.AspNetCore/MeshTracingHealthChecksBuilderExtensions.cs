using Microsoft.Extensions.Diagnostics.HealthChecks;
using Tracing.Sdk.AspNetCore;
using Tracing.Sdk.Recording;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the state of the tracing to a service's health.</summary>
public static class MeshTracingHealthChecksBuilderExtensions
{
    /// <summary>Adds a check that is degraded while spans cannot be exported, are being dropped, or fill 80 % of the buffer. Its description is the sentence of the log, its data the counters.</summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="name">The name of the check. Default <c>tracing</c>.</param>
    /// <param name="tags">Tags of the check, to filter by. Default: none.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>The check is never unhealthy, because a service works without its traces, and it reads numbers only.</remarks>
    public static IHealthChecksBuilder AddMeshTracing(this IHealthChecksBuilder builder, string name = "tracing", IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        // The platform returns the status of a failure when a check cannot be made or is cancelled.
        return builder.Add(new HealthCheckRegistration(name, provider => new TracingHealthCheck(provider.GetService<TracingInstance>()), HealthStatus.Degraded, tags));
    }
}
