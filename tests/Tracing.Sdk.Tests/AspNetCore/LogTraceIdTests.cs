using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>The log lines of a request that is not sampled carry the trace id that its calls send, so that the logs of all services join.</summary>
[Collection(Alone.Name)]
public sealed class LogTraceIdTests
{
    private static readonly ActivitySource Orders = new("Orders.LogTraceIdTests");

    public static TheoryData<string, bool> Refusals
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var name in Ways.Keys)
            {
                data.Add(name, true);
                data.Add(name, false);
            }

            return data;
        }
    }

    private static Dictionary<string, (string? Header, Action<MeshTracingOptions>? Options)> Ways { get; } = new()
    {
        ["W3C said no"] = ("traceparent: 00-{trace}-b7ad6b7169203331-00", null),
        ["B3 said no"] = ("b3: {trace}-b7ad6b7169203331-0", null),
        ["B3 with 64 bits said no"] = ("b3: {half}-b7ad6b7169203331-0", null),
        ["B3 multi with 64 bits said no"] = ("X-B3-TraceId: {half}\r\nX-B3-SpanId: b7ad6b7169203331\r\nX-B3-Sampled: 0", null),
        ["B3 said no without ids"] = ("b3: 0", null),
        ["ratio"] = (null, o => o.Sampling.Ratio = 0),
        ["undecided caller"] = ("b3: {trace}-b7ad6b7169203331", o => o.Sampling.Ratio = 0),
        ["undecided caller with 64 bits"] = ("b3: {half}-b7ad6b7169203331", o => o.Sampling.Ratio = 0),
        ["restarted"] = ("traceparent: 00-{trace}-b7ad6b7169203331-01", o => (o.Trust.Default, o.Sampling.Ratio) = (TraceTrust.Restart, 0)),
        ["ids only"] = ("traceparent: 00-{trace}-b7ad6b7169203331-01", o => (o.Trust.Default, o.Sampling.Ratio) = (TraceTrust.TrustIdsOnly, 0)),
        ["unsampled parent deferred"] = ("traceparent: 00-{trace}-b7ad6b7169203331-00", o => (o.Sampling.DeferUnsampledParent, o.Sampling.Ratio) = (true, 0)),
        ["W3C said yes"] = ("traceparent: 00-{trace}-b7ad6b7169203331-01", null),
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Log_OfARequest_CarriesTheTraceIdOfItsCalls(string way, bool isFactoryClient)
    {
        var (header, options) = Ways[way];
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async (ILoggerFactory loggers, IHttpClientFactory clients) =>
            {
                var logger = loggers.CreateLogger("here");
                logger.LogInformation("before");
                using var work = Orders.StartActivity("work");
                using var client = isFactoryClient ? clients.CreateClient() : new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
                logger.LogInformation("after");
            }),
            options,
            b => b.Services.AddHttpClient().Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions = ActivityTrackingOptions.TraceId));
        await service.GetAsync("/", header is null ? [] : header.Replace("{trace}", traceId, StringComparison.Ordinal).Replace("{half}", traceId[16..], StringComparison.Ordinal).Split("\r\n"));
        await service.StopAsync();

        var sent = Assert.Single(server.Requests);
        Assert.Equal(way == "W3C said yes" ? "1" : "0", sent["X-B3-Sampled"]);
        var logged = service.Log.Lines.Where(l => l.Category == "here").Select(l => l.Scope["TraceId"]).ToList();
        // An id of 64 bits leaves with 64 bits in B3.
        var sentId = sent["X-B3-TraceId"]!.PadLeft(32, '0');
        Assert.Equal([sentId, sentId], logged);
        Assert.Equal(sentId, sent["traceparent"]!.Split('-')[1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Log_OfARefusedRootOutsideOfARequest_CarriesTheTraceIdOfItsCalls(bool isFactoryClient)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            _ => { },
            o => o.Sampling.Ratio = 0,
            b => b.Services.AddHttpClient().Configure<LoggerFactoryOptions>(o => o.ActivityTrackingOptions = ActivityTrackingOptions.TraceId));
        using (Orders.StartActivity("job"))
        {
            using var inner = Orders.StartActivity("step");
            using var client = isFactoryClient ? service.Services.GetRequiredService<IHttpClientFactory>().CreateClient() : new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
            service.Services.GetRequiredService<ILoggerFactory>().CreateLogger("here").LogInformation("after");
        }

        await service.StopAsync();
        var line = Assert.Single(service.Log.Lines, l => l.Category == "here");
        Assert.Equal((server.Request["X-B3-TraceId"], "0"), (line.Scope["TraceId"], server.Request["X-B3-Sampled"]));
    }
}
