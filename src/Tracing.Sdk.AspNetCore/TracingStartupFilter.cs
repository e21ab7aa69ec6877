using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Puts the middleware outermost, without a call by the user.</summary>
/// <param name="tracing">This host's.</param>
internal sealed class TracingStartupFilter(MeshTracing tracing) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // Hosting takes its source from the container, where the application may have registered one of its own. It is asked for only here:
        // a host without a web server has none, and would fail the validation of its container if the constructor named it.
        if (app.ApplicationServices.GetService<ActivitySource>() is { } requestSource) tracing.RequestsComeFrom(requestSource);
        app.UseMiddleware<TracingMiddleware>();
        next(app);
    };
}
