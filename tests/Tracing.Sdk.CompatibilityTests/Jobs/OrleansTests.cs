using System.Net;
using System.Reflection;
using MeshDemo.Processes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Jobs;

[WorksWith(
    "Microsoft.Orleans.Server", "both ends of a call of a grain, its placement and activation; calls between silos outside of a trace and rounds of timers are left out; deactivations are roots",
    SetUp = "`AddActivityPropagation()` at the silo and its clients", Name = "Orleans")]
public sealed class OrleansTests
{
    [Fact]
    public async Task Call_OfAGrainInARequest_IsOneTreeWithItsCalls() => Assert.Equal(
        """
        SERVER GET /grain
          CLIENT OrleansTests.IStockGrain/Read
            INTERNAL place grain
            INTERNAL activate grain
              INTERNAL register directory entry
              INTERNAL execute OnActivateAsync
            SERVER OrleansTests.IStockGrain/Read
              CLIENT GET
                SERVER GET /stock
        root
          INTERNAL deactivate grain
            INTERNAL execute OnDeactivateAsync
        """,
        TraceOutline.Of(await RunAsync(app => app.GetAsync("/grain"))));

    [Fact]
    public async Task Call_RequestIsNotSampled_HasNoSpans() => Assert.DoesNotContain(
        await RunAsync(app => app.GetAsync("/grain", TracedApp.NotSampled)), span => span.Name != "deactivate grain" && span.Name != "execute OnDeactivateAsync");

    [Fact]
    public async Task Timer_OfAGrain_ItsCallsAreRoots()
    {
        var spans = await RunAsync(async app =>
        {
            await app.GetAsync("/timer");
            await Import.WaitAsync(app);
        });

        Assert.Contains("root\n  CLIENT GET\n    SERVER GET /stock", TraceOutline.Of(spans), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_TwoSilos_MakeNoRoots()
    {
        var (silo, gateway) = (LocalPort.Free(), LocalPort.Free());
        var spans = await RunAsync(
            async app =>
            {
                var builder = Host.CreateApplicationBuilder();
                builder.Logging.ClearProviders();
                builder.UseOrleans(orleans => orleans.UseLocalhostClustering(LocalPort.Free(), LocalPort.Free(), new IPEndPoint(IPAddress.Loopback, silo)));
                using var second = builder.Build();
                await second.StartAsync();
                // A start makes about 25; then each silo publishes its load once a second.
                await app.WaitForPollsAsync(35);
                await second.StopAsync();
            },
            silo,
            gateway);

        Assert.Equal("", TraceOutline.Of(spans));
    }

    // A silo's own targets, but those that an application calls.
    [Fact]
    public void Interfaces_OfTheRuntime_AreLeftOut()
    {
        string[] called = ["IGrainService", "ISiloControl", "ICatalog", "IActivationMigrationManagerSystemTarget", "IGrainDirectoryTestHooks", "ITestHooksSystemTarget"];
        var polls = typeof(MeshTracing).Assembly.GetType("Tracing.Sdk.Recording.BackgroundPolls")!.GetMethod("Contain", BindingFlags.Public | BindingFlags.Static)!;
        var targets = new[] { typeof(IMembershipTable).Assembly, typeof(IGrain).Assembly, typeof(SiloAddress).Assembly, Assembly.Load("Orleans.Runtime") }.Distinct()
            .SelectMany(assembly => assembly.GetTypes()).Where(type => type.IsInterface && type != typeof(ISystemTarget) && typeof(ISystemTarget).IsAssignableFrom(type)).Select(type => type.Name);

        Assert.Equal(called.Order(), targets.Where(name => !(bool)polls.Invoke(null, ["Microsoft.Orleans.Runtime", name + "/Method"])!).Order());
    }

    private static async Task<IReadOnlyList<CollectedSpan>> RunAsync(Func<TracedApp, Task> act, int? silo = null, int? gateway = null)
    {
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                Import.Map(app);
                app.MapGet("/grain", (IGrainFactory grains) => grains.GetGrain<IStockGrain>(1).Read());
                app.MapGet("/timer", (IGrainFactory grains) => grains.GetGrain<IStockGrain>(1).StartTimer());
            },
            builder =>
            {
                Import.Add(builder.Services);
                builder.UseOrleans(orleans => orleans.UseLocalhostClustering(silo ?? LocalPort.Free(), gateway ?? LocalPort.Free()).AddActivityPropagation());
            });
        await act(app);
        return await app.StopAsync();
    }

    public interface IStockGrain : IGrainWithIntegerKey
    {
        Task<string> Read();
        Task StartTimer();
    }

    internal sealed class StockGrain(Import import) : Grain, IStockGrain
    {
        public Task<string> Read() => import.RunAsync();

        public Task StartTimer()
        {
            this.RegisterGrainTimer(Read, new GrainTimerCreationOptions(TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan));
            return Task.CompletedTask;
        }
    }
}
