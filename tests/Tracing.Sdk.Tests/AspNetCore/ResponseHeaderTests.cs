using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

public sealed class ResponseHeaderTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string Sampled = $"traceparent: 00-{TraceId}-b7ad6b7169203331-01";

    [Fact]
    public async Task Response_ByDefault_SaysNothing()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        var response = await service.GetAsync("/", Sampled);

        Assert.Null(response["x-trace-id"]);
        Assert.Null(response["server-timing"]);
    }

    [Fact]
    public async Task Response_TraceId_IsTheTraceOfTheRequest()
    {
        await using var service = await StartAsync(TraceResponseHeader.TraceId);
        var response = await service.GetAsync("/", Sampled);

        Assert.Equal(TraceId, response["x-trace-id"]);
        Assert.Null(response["server-timing"]);
    }

    [Theory]
    [InlineData("01", "01")]
    [InlineData("03", "03")]
    [InlineData("00", "00")]
    public async Task Response_ServerTiming_NamesOurSpanAndDecision(string sent, string expected)
    {
        await using var service = await StartAsync(TraceResponseHeader.ServerTiming);
        var response = await service.GetAsync("/", $"traceparent: 00-{TraceId}-b7ad6b7169203331-{sent}");
        var spanId = (await service.StopAsync()).SingleOrDefault()?.SpanId ?? response["server-timing"]!.Split('-')[2];

        Assert.Equal($"trace;desc=00-{TraceId}-{spanId}-{expected}", response["server-timing"]);
    }

    [Fact]
    public async Task Response_ServerTimingOfTheApplication_StaysBesideOurs()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", (HttpContext context) => context.Response.Headers["server-timing"] = "db;dur=3"),
            o => o.Http.ResponseHeader = TraceResponseHeader.ServerTiming | TraceResponseHeader.TraceId);
        var response = await service.GetAsync("/", Sampled);

        var metrics = response.All("server-timing").SelectMany(v => v.Split(',', StringSplitOptions.TrimEntries)).ToList();
        Assert.Equal(2, metrics.Count);
        Assert.Equal("db;dur=3", metrics[0]);
        Assert.StartsWith($"trace;desc=00-{TraceId}-", metrics[1], StringComparison.Ordinal);
        Assert.Equal(TraceId, response["x-trace-id"]);
    }

    [Fact]
    public async Task Response_ClearedByTheApplication_StillSaysIt()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", (HttpContext context) =>
            {
                context.Response.Clear();
                return "ok";
            }),
            o => o.Http.ResponseHeader = TraceResponseHeader.TraceId);

        Assert.Equal(TraceId, (await service.GetAsync("/", Sampled))["x-trace-id"]);
    }

    [Fact]
    public async Task Response_OfAnExceptionHandler_StillSaysIt()
    {
        await using var service = await TestService.StartAsync(
            app =>
            {
                app.UseExceptionHandler(handler => handler.Run(context => context.Response.WriteAsync("sorry")));
                app.MapGet("/", string () => throw new InvalidOperationException());
            },
            o => o.Http.ResponseHeader = TraceResponseHeader.TraceId);
        var response = await service.GetAsync("/", Sampled);

        Assert.Equal(500, response.Status);
        Assert.Equal(TraceId, response["x-trace-id"]);
    }

    [Fact]
    public async Task Response_OfTheDeveloperExceptionPage_StillSaysIt()
    {
        await using var service = await TestService.StartAsync(
            app =>
            {
                app.UseDeveloperExceptionPage();
                app.MapGet("/", string () => throw new InvalidOperationException());
            },
            o => o.Http.ResponseHeader = TraceResponseHeader.TraceId);
        var response = await service.GetAsync("/", Sampled, "Accept: text/plain");

        Assert.Equal(500, response.Status);
        Assert.Equal(TraceId, response["x-trace-id"]);
    }

    // Kestrel clears the headers after all middleware has ended, and runs no OnStarting callback: the limit that the enum documents.
    [Fact]
    public async Task Response_OfTheServerToAnUnhandledException_SaysNothing()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", (HttpContext context) =>
            {
                context.Response.Headers["x-own"] = "1";
                throw new InvalidOperationException();
            }),
            o => o.Http.ResponseHeader = TraceResponseHeader.TraceId);
        var response = await service.GetAsync("/", Sampled);

        Assert.Equal(500, response.Status);
        Assert.Null(response["x-own"]);
        Assert.Null(response["x-trace-id"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Response_TraceBegunAnew_NamesTheNewTrace(bool byEndpoint)
    {
        var traceId = "";
        await using var service = await TestService.StartAsync(
            app =>
            {
                var endpoint = app.MapGet("/", () => traceId = System.Diagnostics.Activity.Current!.TraceId.ToHexString());
                if (byEndpoint) endpoint.WithTracePropagation(TraceTrust.Restart);
            },
            o =>
            {
                o.Http.ResponseHeader = TraceResponseHeader.TraceId;
                if (!byEndpoint) o.Trust.Rules.Add("Restart 127.0.0.0/8");
            });
        var response = await service.GetAsync("/", Sampled);

        Assert.NotEqual(TraceId, traceId);
        Assert.Equal(traceId, response["x-trace-id"]);
    }

    [Fact]
    public async Task Response_ForwardMode_NamesTheTraceThatCameIn()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o => (o.Mode, o.Http.ResponseHeader) = (MeshTracingMode.Forward, TraceResponseHeader.TraceId));

        Assert.Equal(TraceId, (await service.GetAsync("/", Sampled))["x-trace-id"]);
    }

    private static Task<TestService> StartAsync(TraceResponseHeader header) =>
        TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Http.ResponseHeader = header);
}
