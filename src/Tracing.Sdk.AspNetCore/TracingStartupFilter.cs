using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Puts the middleware outermost, without a call by the user.</summary>
internal sealed class TracingStartupFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.UseMiddleware<TracingMiddleware>();
        next(app);
    };
}
