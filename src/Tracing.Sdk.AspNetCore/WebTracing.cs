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
    // ASP.NET Core 11 names its Activity and sets attributes, the client's address among them, unless this is on. It is on by default in ASP.NET Core 10.
    private const string HostingSetsNothing = "Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData";

    public static void Add(IServiceCollection services)
    {
        if (!AppContext.TryGetSwitch(HostingSetsNothing, out _)) AppContext.SetSwitch(HostingSetsNothing, true);
        services.AddSingleton(provider =>
            new ServerSettings(provider.GetRequiredService<IOptions<MeshTracingOptions>>().Value, provider.GetRequiredService<TracingInstance>().Urls));
        // The host adds its own only if there is none, and may have done so already.
        services.Replace(ServiceDescriptor.Singleton<DistributedContextPropagator, ServerPropagator>());
        // First in the list is outermost: the host's filter for forwarded headers replaces the address of the peer.
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, TracingStartupFilter>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IDeveloperPageExceptionFilter, DeveloperPageExceptionFilter>());
    }
}
