using Microsoft.Extensions.DependencyInjection;

namespace Tracing.Sdk.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void AddMeshTracing_ReturnsTheSameCollection()
    {
        var services = new ServiceCollection();
        Assert.Same(services, services.AddMeshTracing());
    }
}
