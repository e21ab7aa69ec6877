using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Every way to leave requests of a service out, by a service with one path that is ignored and one, <c>/work</c>, that is not.</summary>
internal static class IgnoreWay
{
    public static readonly string[] AtArrival = ["path", "prefix", "health check by path", "predicate"];

    public static readonly string[] AtEndpoint =
    [
        "endpoint", "group", "lambda's attribute", "controllers", "action's attribute", "health checks", "renamed health checks", "health checks with trust",
    ];

    public static readonly string[] All = [.. AtArrival, .. AtEndpoint];

    public static string PathOf(string way) => way switch { "health check by path" => "/healthz", "action's attribute" => "/attributed", _ => "/ping" };

    public static DecisionReason Reason(string way) => way switch
    {
        "predicate" => DecisionReason.IgnoredByCode,
        _ when way.Contains("health check", StringComparison.Ordinal) => DecisionReason.HealthCheck,
        _ => DecisionReason.Ignored,
    };

    /// <param name="way">One of <see cref="All"/>.</param>
    /// <param name="run">What each request does.</param>
    /// <param name="options">Further settings.</param>
    /// <param name="use">Middleware in front of the endpoints.</param>
    public static Task<TestService> StartAsync(string way, Func<Task> run, Action<MeshTracingOptions>? options = null, Action<WebApplication>? use = null) => TestService.StartAsync(
        app =>
        {
            var path = PathOf(way);
            use?.Invoke(app);
            var endpoints = (IEndpointRouteBuilder)app;
            if (way == "group") endpoints = app.MapGroup("").DisableTracing();
            if (way == "controllers") app.MapControllers().DisableTracing();
            else if (way == "action's attribute") app.MapControllers();
            else if (way.StartsWith("health checks", StringComparison.Ordinal)) Trust(way, app.MapHealthChecks(path));
            else if (way == "renamed health checks") app.MapHealthChecks(path).WithDisplayName("probe");
            else if (way == "lambda's attribute") app.MapGet(path, [DisableTracing] () => run());
            else if (way == "endpoint") app.MapGet(path, run).DisableTracing();
            else endpoints.MapGet(path, run);
            app.MapGet("/work", run);
        },
        o =>
        {
            o.Ignore.HealthChecks = way.Contains("health check", StringComparison.Ordinal);
            if (way == "path") o.Ignore.Paths.Add("/ping");
            if (way == "prefix") o.Ignore.Paths.Add("/PI*");
            if (way == "predicate") o.Ignore.Request = context => context.Request.Path == "/ping";
            options?.Invoke(o);
        },
        b =>
        {
            b.Services.AddSingleton(run);
            if (way is "controllers" or "action's attribute") b.Services.AddControllers();
            if (way.Contains("health checks", StringComparison.Ordinal)) b.Services.AddHealthChecks().AddAsyncCheck("run", async () =>
            {
                await run();
                return HealthCheckResult.Healthy();
            });
        });

    private static void Trust(string way, IEndpointConventionBuilder endpoint)
    {
        if (way == "health checks with trust") endpoint.WithTraceTrust(TraceTrust.Restart);
    }
}

/// <summary>A controller, whose endpoints MVC builds late.</summary>
public sealed class PingController(Func<Task> run) : ControllerBase
{
    [HttpGet("/ping")]
    public Task Ping() => run();

    [HttpGet("/attributed")]
    [DisableTracing]
    public Task Attributed() => run();
}
