using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>The service under load, a process of its own. It prints its address and the milliseconds to its first answered request, and lives until its input closes.</summary>
internal static class Service
{
    public static async Task RunAsync(string variant, string downstream)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddHttpClient("downstream", client => client.BaseAddress = new Uri(downstream));
        Variant.Configure(builder, variant);

        await using var app = builder.Build();
        app.MapGet("/hello", () => "hello");
        app.MapGet("/call", async (IHttpClientFactory clients) => await clients.CreateClient("downstream").GetStringAsync("/hello"));
        app.MapGet("/stats", () => Stats());
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        using (var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }))
        {
            _ = await client.GetStringAsync(address + "/hello");
        }

        var started = (DateTime.UtcNow - Process.GetCurrentProcess().StartTime.ToUniversalTime()).TotalMilliseconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{address} {started:F0}"));
        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        await app.StopAsync();
    }

    private static string Stats()
    {
        using var process = Process.GetCurrentProcess();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{process.TotalProcessorTime.TotalMicroseconds:F0} {GC.GetTotalAllocatedBytes(precise: true)} {GC.GetTotalPauseDuration().TotalMicroseconds:F0} {process.WorkingSet64}");
    }
}
