using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

/// <summary>What hosting adds to its Activity itself: names and attributes, the client's address among them, by default from ASP.NET Core 11 on.</summary>
[WorksWith("Minimal APIs", "one SERVER span a request, named by its route", IsPlatform = true)]
public sealed class HostingTests
{
    [Fact]
    public async Task Attributes_OfHosting_AreOff()
    {
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/", () => "ok"));

        Assert.True(AppContext.TryGetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", out var isOn) && isOn);
    }
}
