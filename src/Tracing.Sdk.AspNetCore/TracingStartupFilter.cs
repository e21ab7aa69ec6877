using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Adds the middleware as the outermost one, without a call by the user.</summary>
internal sealed class TracingStartupFilter(TracingInstance tracing) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        // Hosting takes its source from the container, where the application may have registered one of its own. It is no parameter of the
        // constructor, because a host without a web server has none and would fail the validation of its container.
        if (app.ApplicationServices.GetService<ActivitySource>() is { } requestSource) tracing.ListenToRequests(requestSource);
        // The service need not be made for it.
        if (app.ApplicationServices.GetService<IServiceProviderIsService>()?.IsService(typeof(HealthCheckService)) == true) EndpointRules.MayExist = true;
        app.UseMiddleware<TracingMiddleware>();
        next(app);
    };
}
