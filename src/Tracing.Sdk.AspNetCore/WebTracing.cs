using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The web half of <c>AddMeshTracing</c>, which finds it by name when this assembly is referenced.</summary>
internal static class WebTracing
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton(provider =>
            new ServerSettings(provider.GetRequiredService<IOptions<MeshTracingOptions>>().Value, provider.GetRequiredService<TracingInstance>().Urls));
        // The host adds its own only if there is none, and may have done so already.
        services.Replace(ServiceDescriptor.Singleton<DistributedContextPropagator, ServerPropagator>());
        // First in the list is outermost: the host's filter for forwarded headers replaces the address of the peer.
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, TracingStartupFilter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IDeveloperPageExceptionFilter, DeveloperPageExceptionFilter>());
    }
}
