using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Jobs;

/// <summary>What each job does: it calls the page <c>/stock</c> of its own application.</summary>
/// <param name="clients">Makes the call.</param>
/// <param name="server">Knows the address.</param>
internal sealed class Import(IHttpClientFactory clients, IServer server)
{
    private static readonly ActivitySource Source = new("Shop.Jobs");

    private readonly Signal _done = new("The job has not run");

    /// <summary>Adds the page.</summary>
    public static void Map(WebApplication app) => app.MapGet("/stock", () => "7");

    /// <summary>Adds this to the services.</summary>
    public static void Add(IServiceCollection services) => services.AddHttpClient().AddSingleton<Import>();

    /// <summary>Waits for the first run.</summary>
    public static Task WaitAsync(TracedApp app) => app.Services.GetRequiredService<Import>()._done.WaitAsync();

    public async Task<string> RunAsync()
    {
        var stock = await CallAsync();
        _done.Set();
        return stock;
    }

    /// <summary>Runs in the span that an application gives a job whose library has none.</summary>
    public async Task RunInASpanAsync()
    {
        using (Source.StartActivity("import")) await CallAsync();
        _done.Set();
    }

    private async Task<string> CallAsync()
    {
        using var client = clients.CreateClient();
        return await client.GetStringAsync(new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/stock"));
    }
}
