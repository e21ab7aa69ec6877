using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Propagation.Baggage;

public sealed class OutboundBaggageTests
{
    [Fact]
    public async Task Baggage_CameIn_LeavesWithItsProperties()
    {
        Assert.Equal("user=1;secret;level=2,region=eu%20west", await CallAsync(() => { }, "baggage: user = 1 ; secret; level = 2", "baggage: region=eu%20west"));
    }

    [Fact]
    public async Task Baggage_CameIn_IsReadableByBothApis()
    {
        string? byOpenTelemetry = null, byActivity = null;
        await CallAsync(
            () => (byOpenTelemetry, byActivity) = (OpenTelemetry.Baggage.GetBaggage("user"), Activity.Current!.GetBaggageItem("user")),
            "baggage: user=a%20b");

        Assert.Equal(("a b", "a b"), (byOpenTelemetry, byActivity));
    }

    [Fact]
    public async Task Baggage_AddedByBothApis_Leaves()
    {
        var sent = await CallAsync(
            () =>
            {
                OpenTelemetry.Baggage.SetBaggage("open", "1");
                Activity.Current!.AddBaggage("platform", "2");
            },
            "baggage: user=1");

        Assert.Equal(["open=1", "platform=2", "user=1"], sent!.Split(',').Order());
    }

    [Fact]
    public async Task Baggage_ChangedByOpenTelemetryApi_LeavesOnceAndWithoutStaleProperties()
    {
        Assert.Equal("user=2", await CallAsync(() => OpenTelemetry.Baggage.SetBaggage("user", "2"), "baggage: user=1;secret"));
    }

    [Fact]
    public async Task Baggage_ChangedByActivity_LeavesOnce()
    {
        Assert.Equal("user=2", await CallAsync(() => Activity.Current!.SetBaggage("user", "2"), "baggage: user=1"));
    }

    [Fact]
    public async Task Baggage_RemovedByOpenTelemetryApi_DoesNotLeave()
    {
        Assert.Null(await CallAsync(() => OpenTelemetry.Baggage.RemoveBaggage("user"), "baggage: user=1"));
    }

    [Fact]
    public async Task Baggage_OfUnsampledTrace_LeavesToo()
    {
        Assert.Equal("user=1", await CallAsync(() => { }, "baggage: user=1", "b3: 0"));
    }

    [Fact]
    public async Task Baggage_KeysNamed_OnlyThoseLeave()
    {
        Assert.Equal(
            "shop.user=1,plain=3",
            await CallAsync(
                () => Activity.Current!.AddBaggage("other", "4"),
                o =>
                {
                    o.Propagation.BaggageKeys.Clear();
                    o.Propagation.BaggageKeys.Add("shop.*");
                    o.Propagation.BaggageKeys.Add("plain");
                },
                "baggage: shop.user=1,secret=2,plain=3"));
    }

    [Fact]
    public async Task Baggage_KeysNamed_HoldForEveryWayOut()
    {
        var (byLibrary, byPlatform) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        await Traced.RunAsync(
            services =>
            {
                OpenTelemetry.Baggage.SetBaggage("mine", "4");
                services.GetRequiredService<TextMapPropagator>().Inject(
                    new PropagationContext(Activity.Current!.Context, OpenTelemetry.Baggage.Current), byLibrary, static (carrier, name, value) => carrier[name] = value);
                DistributedContextPropagator.Current.Inject(
                    Activity.Current, byPlatform, static (carrier, name, value) => ((Dictionary<string, string>)carrier!)[name] = value);
                return Task.CompletedTask;
            },
            o =>
            {
                o.Propagation.BaggageKeys.Clear();
                o.Propagation.BaggageKeys.Add("tenant");
            },
            headers: "baggage: tenant=1,secret=2");

        Assert.Equal(("tenant=1", "tenant=1"), (byLibrary["baggage"], byPlatform["baggage"]));
    }

    [Fact]
    public async Task Baggage_NoKeyThatMayLeave_LeavesNoHeader()
    {
        var byLibrary = new Dictionary<string, string>();
        await Traced.RunAsync(
            services =>
            {
                OpenTelemetry.Baggage.SetBaggage("mine", "4");
                services.GetRequiredService<TextMapPropagator>().Inject(
                    new PropagationContext(default, OpenTelemetry.Baggage.Current), byLibrary, static (carrier, name, value) => carrier[name] = value);
                return Task.CompletedTask;
            },
            o => o.Propagation.BaggageKeys[0] = "tenant");

        Assert.Empty(byLibrary);
    }

    [Fact]
    public async Task Baggage_NotAmongThePropagators_StaysHere()
    {
        Assert.Null(await CallAsync(() => OpenTelemetry.Baggage.SetBaggage("a", "1"), o => o.Propagation.Formats.Remove("baggage"), "baggage: user=1"));
    }

    [Theory]
    [InlineData("api.example.com", null, null, null)]
    [InlineData("api.example.com", "*.example.com", null, null)]
    [InlineData("api.example.com", "*.example.com", "*.example.com", "user=1")]
    [InlineData("api.example.com", null, "api.example.com", "user=1")]
    [InlineData("data.shop.svc", null, null, "user=1")]
    public async Task Baggage_OutsideTheMesh_LeavesOnlyWhereItMay(string host, string? propagateTo, string? baggageTo, string? expected)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri($"http://{host}/"))).Dispose();
            },
            o =>
            {
                if (propagateTo is not null) o.Propagation.Targets.Add(propagateTo);
                if (baggageTo is not null) o.Propagation.BaggageTargets.Add(baggageTo);
            },
            headers: "baggage: user=1");

        Assert.Equal(expected, server.Request["baggage"]);
    }

    [Fact]
    public async Task Baggage_OfTheRequestBefore_IsGone()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => Microsoft.AspNetCore.Builder.EndpointRouteBuilderExtensions.MapGet(app, "/", async () =>
        {
            OpenTelemetry.Baggage.SetBaggage("count", OpenTelemetry.Baggage.GetBaggage("count") + "x");
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        }));
        await WireClient.SendAsync(service.Address, [WireClient.Request(service.Address, "GET /"), WireClient.Request(service.Address, "GET /", "Connection: close")]);

        Assert.Equal(["count=x", "count=x"], server.Requests.Select(r => r["baggage"]));
    }

    private static Task<string?> CallAsync(Action inRequest, params string[] headers) => CallAsync(inRequest, _ => { }, headers);

    private static async Task<string?> CallAsync(Action inRequest, Action<MeshTracingOptions> options, params string[] headers)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                inRequest();
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            },
            options,
            headers: headers);
        return server.Request["baggage"];
    }
}
