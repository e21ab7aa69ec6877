using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
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
        // First in the list is outermost: a host's own filter for forwarded headers would hide the peer.
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, TracingStartupFilter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IDeveloperPageExceptionFilter, DeveloperPageExceptionFilter>());
    }
}
