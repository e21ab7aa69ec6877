using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>Every kind of host starts with both packages referenced, also where the container validates what was registered.</summary>
[Collection(Alone.Name)]
public sealed class HostTests
{
    private static readonly ServiceProviderOptions Strict = new() { ValidateOnBuild = true, ValidateScopes = true };

    [Fact]
    public async Task ApplicationBuilder_InDevelopment_Starts()
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { EnvironmentName = "Development" });
        builder.Services.AddMeshTracing(Quiet);

        await StartAndStopAsync(builder.Build());
    }

    [Fact]
    public async Task HostBuilder_InDevelopment_Starts() => await StartAndStopAsync(Host.CreateDefaultBuilder()
        .UseEnvironment("Development")
        .ConfigureServices(services => services.AddMeshTracing(Quiet))
        .Build());

    [Fact]
    public async Task EmptyBuilder_ThatValidates_Starts()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.ConfigureContainer(new DefaultServiceProviderFactory(Strict));
        builder.Services.AddMeshTracing(Quiet);

        await StartAndStopAsync(builder.Build());
    }

    [Fact]
    public async Task WorkerWithAScopedActivitySource_ThatValidates_Starts()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.ConfigureContainer(new DefaultServiceProviderFactory(Strict));
        builder.Services.AddScoped(_ => new ActivitySource("Shop")).AddMeshTracing(Quiet);

        await StartAndStopAsync(builder.Build());
    }

    [Theory]
    [InlineData("full")]
    [InlineData("slim")]
    [InlineData("empty")]
    public async Task WebApplication_InDevelopment_ServesAndRecords(string kind)
    {
        var options = new WebApplicationOptions { EnvironmentName = "Development" };
        var builder = kind switch
        {
            "full" => WebApplication.CreateBuilder(options),
            "slim" => WebApplication.CreateSlimBuilder(options),
            _ => WebApplication.CreateEmptyBuilder(options),
        };
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Host.UseDefaultServiceProvider(o => (o.ValidateOnBuild, o.ValidateScopes) = (true, true));
        builder.Logging.ClearProviders();
        var sink = new SpanSink();
        builder.Services.AddRoutingCore().AddMeshTracing(o => TestService.ExportTo(sink, o));
        var app = builder.Build();
        app.MapGet("/", () => "ok");
        await app.StartAsync();
        await WireClient.SendAsync(new Uri(app.Urls.First()), "GET /");
        await app.StopAsync();
        await app.DisposeAsync();

        Assert.Equal("GET /", sink.Spans.Server().Name);
    }

    [Fact]
    public async Task HostBuilder_WithAWebHostInDevelopment_ServesAndRecords()
    {
        var sink = new SpanSink();
        var host = Host.CreateDefaultBuilder()
            .UseEnvironment("Development")
            .ConfigureWebHostDefaults(web => web
                .UseUrls("http://127.0.0.1:0")
                .Configure(app => app.Run(context => Task.CompletedTask)))
            .ConfigureLogging(logging => logging.ClearProviders())
            .ConfigureServices(services => services.AddMeshTracing(o => TestService.ExportTo(sink, o)))
            .Build();
        await host.StartAsync();
        var address = host.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>()
            .Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!.Addresses.First();
        await WireClient.SendAsync(new Uri(address), "GET /");
        await StopAsync(host);

        Assert.Equal("GET", sink.Spans.Server().Name);
    }

    [Fact]
    public void Container_ThatValidates_IsBuilt()
    {
        using var provider = new ServiceCollection().AddMeshTracing(Quiet).BuildServiceProvider(Strict);

        Assert.NotNull(provider.GetRequiredService<MeshTracing>());
    }

    // What hosts say of ActivityTrackingOptions: the builders with defaults say SpanId, TraceId and ParentId, the empty ones nothing.
    [Theory]
    [InlineData("default", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId | ActivityTrackingOptions.ParentId)]
    [InlineData("application", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId | ActivityTrackingOptions.ParentId)]
    [InlineData("web", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId | ActivityTrackingOptions.ParentId)]
    [InlineData("slim", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId | ActivityTrackingOptions.ParentId)]
    [InlineData("empty", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId)]
    [InlineData("emptyweb", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId)]
    [InlineData("plain", ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId)]
    public void LogScopes_NothingSaidByTheApplication_HaveTheHostsFieldsOrOurs(string kind, ActivityTrackingOptions expected) =>
        Assert.Equal(expected, Tracked(kind, services => services.AddMeshTracing(Quiet)));

    [Theory]
    [InlineData(ActivityTrackingOptions.None)]
    [InlineData(ActivityTrackingOptions.ParentId)]
    [InlineData(ActivityTrackingOptions.Baggage)]
    public void LogScopes_SaidByTheApplication_StayAsTheyAre(ActivityTrackingOptions said)
    {
        foreach (var kind in new[] { "default", "application", "web", "slim", "empty", "emptyweb", "plain" })
        {
            Assert.Equal(said, Tracked(kind, services => services.AddMeshTracing(Quiet).Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions = said)));
            Assert.Equal(said, Tracked(kind, services => services.Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions = said).AddMeshTracing(Quiet)));
            Assert.Equal(said, Tracked(kind, services => services.PostConfigure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions = said).AddMeshTracing(Quiet)));
            Assert.Equal(said, Tracked(kind, services => services.AddLogging(l => l.Configure(o => o.ActivityTrackingOptions = said)).AddMeshTracing(Quiet)));
        }
    }

    [Fact]
    public void LogScopes_ApplicationAddsAField_KeepsOurs() => Assert.Equal(
        ActivityTrackingOptions.SpanId | ActivityTrackingOptions.TraceId | ActivityTrackingOptions.Tags,
        Tracked("empty", services => services.Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions |= ActivityTrackingOptions.Tags).AddMeshTracing(Quiet)));

    private static ActivityTrackingOptions Tracked(string kind, Action<IServiceCollection> configure)
    {
        if (kind == "default")
        {
            using var host = Host.CreateDefaultBuilder().ConfigureServices(configure).Build();
            return TrackedIn(host.Services);
        }

        if (kind == "plain")
        {
            var services = new ServiceCollection();
            configure(services);
            using var provider = services.AddLogging().BuildServiceProvider();
            return TrackedIn(provider);
        }

        if (kind is "web" or "slim" or "emptyweb")
        {
            var web = kind switch
            {
                "web" => WebApplication.CreateBuilder(),
                "slim" => WebApplication.CreateSlimBuilder(),
                _ => WebApplication.CreateEmptyBuilder(new WebApplicationOptions()),
            };
            // An application needs a server, even one that is never started.
            web.WebHost.UseKestrelCore();
            configure(web.Services);
            var app = web.Build();
            using ((IDisposable)app) return TrackedIn(app.Services);
        }

        var builder = kind == "application" ? Host.CreateApplicationBuilder() : Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        configure(builder.Services);
        using var built = builder.Build();
        return TrackedIn(built.Services);
    }

    private static ActivityTrackingOptions TrackedIn(IServiceProvider services) =>
        services.GetRequiredService<IOptions<LoggerFactoryOptions>>().Value.ActivityTrackingOptions;

    private static void Quiet(MeshTracingOptions options) => TestService.ExportTo(new SpanSink(), options);

    private static async Task StartAndStopAsync(IHost host)
    {
        await host.StartAsync();
        Assert.NotNull(host.Services.GetService<MeshTracing>());
        await StopAsync(host);
    }

    private static async Task StopAsync(IHost host)
    {
        await host.StopAsync();
        host.Dispose();
    }
}
