using System.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The web half of <c>AddMeshTracing</c>, which finds it by name when this assembly is referenced.</summary>
internal static class WebTracing
{
    public static void Add(IServiceCollection services)
    {
        // The host only tries to add its own, and not after us.
        services.Replace(ServiceDescriptor.Singleton<DistributedContextPropagator, ServerPropagator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, TracingStartupFilter>());
    }
}
