using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>What the log of a whole service says when nothing is traced.</summary>
[Collection(Alone.Name)]
public sealed class NothingTracedTests
{
    [Theory]
    [InlineData("traceparent", "Their traceparent ends in -00")]
    [InlineData("b3", "Their B3 headers say 0")]
    [InlineData("x-b3-sampled", "Their B3 headers say 0")]
    public async Task Log_EveryCallerSaysNo_NamesTheHeader(string header, string sentence)
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time);
        await service.SendAsync(100, header switch
        {
            "traceparent" => $"traceparent: 00-{Guid.NewGuid():N}-00f067aa0ba902b7-00",
            "b3" => $"b3: {Guid.NewGuid():N}-00f067aa0ba902b7-0",
            _ => "x-b3-sampled: 0",
        });
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Contains(sentence, Assert.Single(Lines(service)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_SamplerIsOff_NamesTheVariable()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time, build: b => b.Configuration.AddInMemoryCollection([new("OTEL_TRACES_SAMPLER", "always_off")]));
        await service.SendAsync(1);
        Advance(time);
        Assert.Equal("None of the first 1 requests and root spans is recorded (the ratio: 1). OTEL_TRACES_SAMPLER makes the ratio 0: raise it.", Assert.Single(Lines(service)));
    }

    [Fact]
    public async Task Log_EveryPathIsIgnored_SaysSo()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time, o => o.Ignore.Paths.Add("*"));
        await service.SendAsync(100);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(
            "None of the first 100 requests and root spans is recorded (the path or the endpoint is ignored: 100). MeshTracingOptions.Ignore.Paths in the code and DisableTracing() leave requests out.",
            Assert.Single(Lines(service)));
    }

    [Fact]
    public async Task Log_AMiddlewareClearsEveryFlag_SaysSo()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time, build: b => b.Services.AddSingleton<IStartupFilter, ClearingFilter>());
        await service.SendAsync(100);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.StartsWith("None of the first 100 requests and root spans is recorded (the sampled flag was cleared: 100).", Assert.Single(Lines(service)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_OnlyHealthChecks_SaysNothing()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time);
        await service.SendAsync(100, "/healthz", []);
        Advance(time);
        Assert.Empty(Lines(service));
    }

    [Fact]
    public async Task Log_RequestsAreTraced_SaysNothing()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time);
        await service.SendAsync(100);
        Advance(time);
        Assert.Empty(Lines(service));
    }

    [Fact]
    public async Task Log_NoRequests_SaysNothing()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time);
        Advance(time);
        Assert.Empty(Lines(service));
    }

    [Fact]
    public async Task Log_AfterTheStop_SaysNothing()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(time, o => o.Sampling.Ratio = 0);
        await service.SendAsync(1);
        await service.StopAsync();
        Advance(time);
        Assert.Empty(Lines(service));
    }

    [Fact]
    public async Task LastLine_EveryCallerSaysNo_SaysSo()
    {
        await using var service = await StartAsync(new FakeTimeProvider());
        await service.SendAsync(3, $"traceparent: 00-{Guid.NewGuid():N}-00f067aa0ba902b7-00");
        await service.StopAsync();
        Assert.EndsWith("; 3 requests and root spans: 0 recorded, 3 not (the caller said no: 3)", service.Log.OfTracing[^1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none", 1)]
    [InlineData("otlp", 0)]
    public async Task Log_Exporters_NoneIsNamed(string exporters, int lines)
    {
        await using var service = await StartAsync(new FakeTimeProvider(), build: b => b.Configuration.AddInMemoryCollection([new("OTEL_TRACES_EXPORTER", exporters)]));
        Assert.Equal(lines, service.Log.OfTracing.Count(l => l == "Spans are recorded and not exported, because OTEL_TRACES_EXPORTER names no exporter; otlp and zipkin are known."));
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(true, "false", null)]
    [InlineData(false, "true", "System.Net.Http.EnableActivityPropagation")]
    [InlineData(null, "true", null)]
    [InlineData(null, "1", null)]
    [InlineData(null, "no", null)]
    [InlineData(null, "False", "DOTNET_SYSTEM_NET_HTTP_ENABLEACTIVITYPROPAGATION")]
    [InlineData(null, "0", "DOTNET_SYSTEM_NET_HTTP_ENABLEACTIVITYPROPAGATION")]
    public void PlatformSwitch_Off_IsFound(bool? value, string? variable, string? found) =>
        Assert.Equal(found, PlatformSwitch.ActivityPropagation.Find(_ => value, _ => variable) is { IsOn: false, Name: var name } ? name : null);

    [Theory]
    [InlineData(false, true, 1)]
    [InlineData(true, true, 0)]
    [InlineData(false, false, 0)]
    public async Task WebHalf_MissingInAWebService_IsSaid(bool hasWebHalf, bool isWebService, int lines)
    {
        var log = new LogCollector();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        if (isWebService) builder.WebHost.UseKestrelCore();
        await using var provider = builder.Services.BuildServiceProvider();
        MeshTracingServiceCollectionExtensions.CheckWebHalf(hasWebHalf ? typeof(NothingTracedTests) : null, provider, log.CreateLogger("Tracing.Sdk"));
        Assert.Equal(lines, log.OfTracing.Count(l => l.EndsWith("because this web service does not reference the package Tracing.Sdk.AspNetCore.", StringComparison.Ordinal)));
    }

    private static async Task<Service> StartAsync(FakeTimeProvider time, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null) =>
        new(await TestService.StartAsync(app => app.MapGet("/", () => "ok"), options, b =>
        {
            b.Services.AddSingleton<TimeProvider>(time);
            build?.Invoke(b);
        }));

    private static void Advance(FakeTimeProvider time)
    {
        for (var i = 0; i < 24; i++) time.Advance(TimeSpan.FromSeconds(5));
    }

    private static IReadOnlyList<string> Lines(Service service) => [.. service.Log.OfTracing.Where(l => l.StartsWith("None of", StringComparison.Ordinal) || l.StartsWith("Spans end", StringComparison.Ordinal))];

    /// <summary>Sends many requests over one connection.</summary>
    private sealed class Service(TestService service) : IAsyncDisposable
    {
        public LogCollector Log => service.Log;

        public Task SendAsync(int count, params string[] headers) => SendAsync(count, "/", headers);

        public async Task SendAsync(int count, string target, string[] headers)
        {
            var requests = Enumerable.Range(0, count).Select(i => WireClient.Request(service.Address, $"GET {target}", [.. headers, i == count - 1 ? "Connection: close" : "Connection: keep-alive"]));
            await WireClient.SendAsync(service.Address, [.. requests]);
        }

        public Task<IReadOnlyList<Span>> StopAsync() => service.StopAsync();
        public ValueTask DisposeAsync() => service.DisposeAsync();
    }

    private sealed class ClearingFilter : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, next) =>
            {
                Activity.Current!.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
                return next(context);
            });
            next(app);
        };
    }
}
