using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>The same service, told something else by its environment: a process for each test.</summary>
[Collection(WireSuite.Name)]
public sealed class ModeTests(WireFixture wire)
{
    private static readonly HeaderLine[] B3Deferred =
        [new("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7"), new("X-B3-SpanId", "e457b5a2e4d86bd1")];

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task Disabled_WhatCameIn_GoesOutUnchanged(string verb)
    {
        HeaderLine[] headers =
        [
            new("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            new("tracestate", "congo=t61rcWkgMzE"),
            new("X-B3-TraceId", "0af7651916cd43dd8448eb211c80319c"),
            new("X-B3-SpanId", "b7ad6b7169203331"),
            new("X-B3-Sampled", "1"),
            new("x-request-id", "ad7b509a-89b4-980e-8f0f-2c1d3e4f5a6b"),
            new("baggage", "tenant=blue"),
        ];
        var (exchange, spansBefore) = await ExchangeAsync(new() { ["OTEL_SDK_DISABLED"] = "true" }, verb, headers);
        var call = Assert.Single(exchange.Calls);
        Assert.All(headers, header => Assert.Equal(header.Value, call.One(header.Name)));
        Assert.Null(call.One("b3"));
        Assert.DoesNotContain(wire.Collector.Spans.Skip(spansBefore), span => span.Tag("url.path") == exchange.Path);
    }

    [Fact]
    public async Task SamplerOff_DeferredContext_LeavesAsDenied()
    {
        var (exchange, _) = await ExchangeAsync(new() { ["OTEL_TRACES_SAMPLER"] = "parentbased_always_off" }, "echo-call", B3Deferred);
        var call = Assert.Single(exchange.Calls);
        Assert.Equal("0", call.One("X-B3-Sampled"));
        Assert.Equal("80f198ee56343ba864fe8b2a57d3eff7", call.One("X-B3-TraceId"));
        Assert.EndsWith("-00", call.One("traceparent"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SamplerOff_DebugContext_IsRecordedAllTheSame()
    {
        var (exchange, _) = await ExchangeAsync(
            new() { ["OTEL_TRACES_SAMPLER"] = "always_off" }, "echo-call", [.. B3Deferred, new("X-B3-Flags", "1")]);
        var call = Assert.Single(exchange.Calls);
        Assert.Equal("1", call.One("X-B3-Flags"));
        Assert.Equal("1", call.One("X-B3-Sampled"));
        var server = await wire.ServerSpanAsync(exchange.Path, SpanFormat.Zipkin);
        Assert.True(server.Debug);
    }

    [Fact]
    public async Task PropagatorsB3_SingleHeaderAlone_IsReadAndWritten()
    {
        var (exchange, _) = await ExchangeAsync(new() { ["OTEL_PROPAGATORS"] = "b3" }, "echo-call", B3Deferred);
        var call = Assert.Single(exchange.Calls);
        Assert.Matches("^80f198ee56343ba864fe8b2a57d3eff7-[0-9a-f]{16}-1$", call.One("b3"));
        Assert.Null(call.One("traceparent"));
        Assert.Null(call.One("X-B3-TraceId"));
    }

    [Fact]
    public async Task PropagatorsTraceContext_B3_IsNeitherReadNorWritten()
    {
        var (exchange, _) = await ExchangeAsync(new() { ["OTEL_PROPAGATORS"] = "tracecontext" }, "echo-call", B3Deferred);
        var call = Assert.Single(exchange.Calls);
        Assert.NotNull(call.One("traceparent"));
        Assert.DoesNotContain("80f198ee56343ba864fe8b2a57d3eff7", call.One("traceparent"), StringComparison.Ordinal);
        Assert.DoesNotContain(call.Headers, header => header.Name.StartsWith("x-b3", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task InvalidSetting_StopsTheStartWithOneSentence()
    {
        await using var service = ChildProcess.Start(
            "wire-service", "dotnet", [TestService.Dll], new Dictionary<string, string> { ["MeshTracing__Export__Exporters"] = "carrier-pigeon" });
        var sentence = await service.WaitForLineAsync(
            line => line.Contains("carrier-pigeon", StringComparison.Ordinal) ? line : null,
            "say what is wrong", TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Contains("MeshTracing:Export:Exporters", sentence, StringComparison.Ordinal);
        Assert.Contains("zipkin", sentence, StringComparison.Ordinal);
        await service.Exited;
    }

    private async Task<(Exchange Exchange, int SpansBefore)> ExchangeAsync(
        Dictionary<string, string> settings, string verb, IEnumerable<HeaderLine> headers)
    {
        var spansBefore = wire.Collector.Spans.Count;
        var environment = WireFixture.Environment(wire.Collector, wire.Sink);
        foreach (var (name, value) in settings)
            environment[name] = value;
        await using var service = await ServiceProcess.StartAsync("wire-service", TestService.Dll, environment);
        using var connection = await RawConnection.OpenAsync(service.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, "mode", headers);

        // A stopping service sends what it still holds; after this nothing more can come.
        await service.DisposeAsync();
        return (exchange, spansBefore);
    }
}
