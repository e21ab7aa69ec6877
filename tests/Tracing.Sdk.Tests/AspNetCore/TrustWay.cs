using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>The ways to say one thing of every caller: the service, a rule by address, by header, by identity, the endpoint, its group, all controllers.</summary>
internal static class TrustWay
{
    public static IReadOnlyList<string> All => ["default", "network", "external", "internal", "spiffe", "endpoint", "group", "controllers"];

    /// <summary>What a proxy says of the caller: every way finds what it looks for.</summary>
    private static readonly string[] MeshHeaders =
        ["x-envoy-external-address: 203.0.113.9", "x-envoy-internal: true", "x-forwarded-client-cert: URI=spiffe://cluster.local/ns/edge/sa/x"];

    /// <summary>Starts a service with one endpoint, <c>/orders</c>, whose callers are trusted as far as <paramref name="trust"/> says.</summary>
    public static Task<TestService> StartAsync(
        string way, TraceTrust trust, Func<HttpContext, Task> handler, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null) =>
        TestService.StartAsync(
            app =>
            {
                if (way == "endpoint") app.MapGet("/orders", handler).WithTracePropagation(trust);
                else if (way == "group") app.MapGroup("").WithTracePropagation(trust).MapGet("/orders", handler);
                else if (way == "controllers") app.MapControllers().WithTracePropagation(trust);
                else app.MapGet("/orders", handler);
            },
            o =>
            {
                // Spans of tests that run at the same time would be counted here too, and some of them open at the end.
                o.Sources.Clear();
                o.Sources.Add("Microsoft.AspNetCore");
                o.Sources.Add("System.Net.Http");
                if (way == "default") o.Trust.Default = trust;
                if (way == "network") o.Trust.Rules.Add($"{trust} 127.0.0.1/32");
                if (way == "external") o.Trust.Rules.Add($"{trust} external");
                if (way == "internal") o.Trust.Rules.Add($"{trust} internal");
                if (way == "spiffe") o.Trust.Rules.Add($"{trust} spiffe://cluster.local/ns/edge/*");
                options?.Invoke(o);
            },
            b =>
            {
                if (way == "controllers") b.Services.AddSingleton(handler).AddControllers();
                build?.Invoke(b);
            });

    public static Task<WireMessage> CallAsync(TestService service, params string[] headers) => service.GetAsync("/orders", [.. headers, .. MeshHeaders]);
}

/// <summary>A controller, whose endpoint MVC builds late.</summary>
public sealed class TrustedOrdersController(Func<HttpContext, Task> handler) : ControllerBase
{
    [HttpGet("/orders")]
    public Task Orders() => handler(HttpContext);
}
