using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Puts the middleware outermost, without a call by the user.</summary>
/// <param name="tracing">This host's.</param>
/// <param name="requestSource">Hosting's, which it takes from the container: an application may have registered one of its own.</param>
internal sealed class TracingStartupFilter(MeshTracing tracing, ActivitySource requestSource) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        tracing.RequestsComeFrom(requestSource);
        app.UseMiddleware<TracingMiddleware>();
        next(app);
    };
}
