using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Each request and each root is counted once, under the reason that decided in the end.</summary>
[Collection(Alone.Name)]
public sealed class DecisionCountTests
{
    private const string Ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

    private static readonly ActivitySource Orders = new("Orders.DecisionCountTests");

    [Theory]
    [InlineData("b3: 0", DecisionReason.CallerNo, false)]
    [InlineData("b3: 1", DecisionReason.CallerYes, true)]
    [InlineData("b3: d", DecisionReason.CallerDebug, true)]
    [InlineData($"b3: {Ids}-d", DecisionReason.CallerDebug, true)]
    [InlineData($"b3: {Ids}", DecisionReason.CallerUndecided, true)]
    [InlineData($"traceparent: 00-{Ids}-01", DecisionReason.CallerYes, true)]
    [InlineData($"traceparent: 00-{Ids}-00", DecisionReason.CallerNo, false)]
    [InlineData("x: y", DecisionReason.Ratio, true)]
    internal async Task Request_ByItsHeaders_HasItsReason(string header, DecisionReason reason, bool isRecorded)
    {
        await using var service = await StartAsync();
        await service.GetAsync("/", header);

        Decisions.Assert(service.Services, (reason, isRecorded, 1));
    }

    public static TheoryData<string, int, string> TrustCases => new()
    {
        { "default", (int)TraceTrust.Restart, "01" }, { "network", (int)TraceTrust.Restart, "01" }, { "endpoint", (int)TraceTrust.Restart, "01" }, { "endpoint", (int)TraceTrust.Restart, "00" },
        { "default", (int)TraceTrust.TrustIdsOnly, "01" }, { "network", (int)TraceTrust.TrustIdsOnly, "01" }, { "endpoint", (int)TraceTrust.TrustIdsOnly, "01" }, { "endpoint", (int)TraceTrust.TrustIdsOnly, "00" },
    };

    [Theory]
    [MemberData(nameof(TrustCases))]
    public async Task Request_CallerIsNotTrusted_IsCountedOnce(string way, int trust, string flags)
    {
        await using var service = await AspNetCore.TrustWay.StartAsync(way, (TraceTrust)trust, _ => Task.CompletedTask);
        await AspNetCore.TrustWay.CallAsync(service, $"traceparent: 00-{Ids}-{flags}");

        Decisions.Assert(service.Services, ((TraceTrust)trust == TraceTrust.Restart ? DecisionReason.Restarted : DecisionReason.Limited, true, 1));
    }

    [Fact]
    public async Task Request_RatioOfZero_IsCountedAsRefused()
    {
        await using var service = await StartAsync(o => o.Sampling.Ratio = 0);
        await service.GetAsync("/");

        Decisions.Assert(service.Services, (DecisionReason.Ratio, false, 1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_FlagClearedByMiddleware_IsLeftOutAndForwardsWhatCameIn(bool alsoItsData)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app =>
        {
            app.Use((_, next) =>
            {
                Activity.Current!.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
                if (alsoItsData) Activity.Current.IsAllDataRequested = false;
                return next();
            });
            app.MapGet("/", async () =>
            {
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
                (await client.GetAsync(server.Address)).Dispose();
            });
        });
        await service.GetAsync("/", $"traceparent: 00-{Ids}-01");
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Assert.Equal([$"00-{Ids}-01", $"00-{Ids}-01", null, null], server.Requests.Select(r => r["traceparent"]));
        Assert.All(server.Requests, r => Assert.Null(r["X-B3-Sampled"]));
        Assert.Equal("2 spans started, 0 exported, 0 dropped, 2 left out", service.Log.SpansOfLastLine);
        Decisions.Assert(service.Services, (DecisionReason.Cleared, false, 2));
    }

    [Fact]
    public void Root_ByTheRatio_IsCounted()
    {
        using var process = new TracedProcess();
        using (Orders.StartActivity("root")) Orders.StartActivity("child")!.Dispose();

        Decisions.Assert(process.Services, (DecisionReason.Ratio, true, 1));
    }

    [Fact]
    public void Root_OfASourceThatBeginsNoTrace_IsRefusedWithItsSubtree()
    {
        using var process = new TracedProcess(o => o.Ignore.RootSources.Add("Orders.*"));
        using (Orders.StartActivity("poll")) Assert.Null(Orders.StartActivity("child"));

        Decisions.Assert(process.Services, (DecisionReason.IgnoredSource, false, 1));
        Assert.Empty(process.Stop());
    }

    [Fact]
    public async Task Root_OfASourceThatBeginsNoTrace_ItsCallsSayNotSampled()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => o.Ignore.RootSources.Add("Orders.*"));
        using (Orders.StartActivity("poll"))
        using (var client = new HttpClient())
        {
            (await client.GetAsync(server.Address)).Dispose();
        }

        Assert.Equal("0", server.Request["X-B3-Sampled"]);
        Assert.EndsWith("-00", server.Request["traceparent"]!.Replace("-02", "-00", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Empty(process.Stop());
    }

    [Fact]
    public async Task Span_InARequestOfASourceThatBeginsNoTrace_IsRecorded()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => Orders.StartActivity("work")?.Dispose()), o => o.Ignore.RootSources.Add("Orders.*"));
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Equal(service.Sink.Spans.Server().SpanId, service.Sink.Spans.Single(s => s.Name == "work").ParentId);
    }

    [Fact]
    public async Task Request_OfAnotherHost_IsCountedByBoth()
    {
        await using var other = await StartAsync();
        await using var service = await StartAsync();
        await service.GetAsync("/");

        Decisions.Assert(service.Services, (DecisionReason.Ratio, true, 1));
        Decisions.Assert(other.Services, (DecisionReason.AnotherHost, false, 1));
    }

    [Fact]
    public void Root_InASuppressedFlow_IsCounted()
    {
        using var process = new TracedProcess();
        using (Suppression.Begin()) Assert.Null(Orders.StartActivity("work"));

        Decisions.Assert(process.Services, (DecisionReason.Suppressed, false, 1));
    }

    private static Task<TestService> StartAsync(Action<MeshTracingOptions>? options = null) => TestService.StartAsync(app => app.MapGet("/", () => "ok"), options);
}
