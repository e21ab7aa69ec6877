using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("Blazor", "one SERVER span a page, named by its route, and spans of the components and of the circuit", SetUp = "[see below](#blazor)", IsPlatform = true)]
public sealed class BlazorTests
{
    [Fact]
    public async Task Page_IsNamedByItsRoute()
    {
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.UseAntiforgery();
                app.MapRazorComponents<CounterPage>().AddInteractiveServerRenderMode();
            },
            build => build.Services.AddRazorComponents().AddInteractiveServerComponents());
        await app.GetAsync("/counter/5");

        Assert.Equal("SERVER GET /counter/{Start:int}", TraceOutline.Of(await app.StopAsync()));
    }
}

[Route("/counter/{Start:int}")]
public sealed class CounterPage : ComponentBase
{
    [Parameter]
    public int Start { get; set; }

    protected override void BuildRenderTree(RenderTreeBuilder builder) => builder.AddContent(0, $"count {Start}");
}
