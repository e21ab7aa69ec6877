using FastEndpoints;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("FastEndpoints", "one SERVER span a request, named by the route of the endpoint")]
public sealed class FastEndpointsTests
{
    [Theory]
    [InlineData("/fast/orders/7", "SERVER GET /fast/orders/{id}")]
    [InlineData("/fast/broken", "SERVER GET /fast/broken !")]
    public async Task Request_IsNamedByItsRoute(string path, string tree)
    {
        await using var app = await TracedApp.StartAsync(app => app.UseFastEndpoints(), build => build.Services.AddFastEndpoints());
        await app.GetAsync(path);

        Assert.Equal(tree, TraceOutline.Of(await app.StopAsync()));
    }
}

public sealed class GetOrder : EndpointWithoutRequest
{
    public override void Configure()
    {
        Get("/fast/orders/{id}");
        AllowAnonymous();
    }

    public override Task HandleAsync(CancellationToken ct) => Send.OkAsync(cancellation: ct);
}

public sealed class Broken : EndpointWithoutRequest
{
    public override void Configure()
    {
        Get("/fast/broken");
        AllowAnonymous();
    }

    public override Task HandleAsync(CancellationToken ct) => throw new InvalidOperationException("a bug");
}
