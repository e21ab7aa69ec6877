using System.Buffers.Binary;
using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Export;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Grpc;

/// <summary>What a gRPC export sends.</summary>
public sealed class GrpcRequestTests : IDisposable
{
    private readonly GrpcCollector _collector = new();

    [Theory]
    [InlineData("", "")]
    [InlineData("/", "")]
    [InlineData("/base", "/base")]
    [InlineData("/base/", "/base")]
    public void Request_Endpoint_GetsThePathOfTheMethod(string path, string before)
    {
        using var exporter = Exporter(path: path);
        Assert.True(exporter.Add().Flush());
        Assert.Equal($"POST {before}/opentelemetry.proto.collector.trace.v1.TraceService/Export HTTP/2", _collector.Take().Line);
    }

    [Fact]
    public void Request_Headers_AreThoseOfACallAndTheUsers()
    {
        using var exporter = Exporter(settings => settings with { Headers = [new("x-otlp-api-key", "key"), new("X-Tenant", "1")] });
        Assert.True(exporter.Add().Flush());
        var headers = _collector.Take().Headers;
        Assert.Equal(("application/grpc", "trailers", "10000m"), (headers["content-type"], headers["te"], headers["grpc-timeout"]));
        Assert.Equal(("key", "1", "0"), (headers["x-otlp-api-key"], headers["x-tenant"], headers["b3"]));
        Assert.Matches("^Tracing.Sdk/.+ OTel-OTLP-Exporter-dotnet/", headers["user-agent"]);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", headers["traceparent"]);
        Assert.Empty(headers.Keys.Intersect(["tracestate", "baggage", "x-request-id", "grpc-encoding", "grpc-accept-encoding", "content-encoding"]));
    }

    [Fact]
    public void Request_InsideATrace_CarriesNothingOfIt()
    {
        using var outer = new Activity("outer").Start();
        outer.AddBaggage("k", "v");
        using var exporter = Exporter();
        Assert.True(exporter.Add().Flush());
        var headers = _collector.Take().Headers;
        Assert.DoesNotContain(outer.TraceId.ToHexString(), headers["traceparent"], StringComparison.Ordinal);
        Assert.DoesNotContain("correlation-context", headers.Keys);
    }

    [Fact]
    public void Request_Plain_IsOneMessageWithItsLength()
    {
        using var exporter = Exporter();
        Assert.True(exporter.Add(3).Flush());
        var call = _collector.Take();
        Assert.Equal((0, call.Body.Length - 5), (call.Body[0], BinaryPrimitives.ReadInt32BigEndian(call.Body.AsSpan(1))));
        Assert.Equal(3, call.Spans.Length);
    }

    [Fact]
    public void Request_Gzip_IsTheSameMessageCompressed()
    {
        using var plain = Exporter();
        using var zipped = Exporter(settings => settings with { Gzip = true });
        Assert.True(plain.Add(20).Flush());
        Assert.True(zipped.Add(20).Flush());
        var (one, other) = (_collector.Take(), _collector.Take());
        Assert.Equal("gzip", other.Headers["grpc-encoding"]);
        Assert.False(other.Headers.ContainsKey("content-encoding"));
        Assert.Equal((1, other.Body.Length - 5), (other.Body[0], BinaryPrimitives.ReadInt32BigEndian(other.Body.AsSpan(1))));
        Assert.True(other.Body.Length < one.Body.Length / 4);
        Assert.Equal(one.Message, other.Message);
    }

    [Fact]
    public void Request_GzipAgain_IsNoLongerThanItsMessage()
    {
        using var exporter = Exporter(settings => settings with { Gzip = true });
        Assert.True(exporter.Add(50).Flush());
        Assert.True(exporter.Add().Flush());
        Assert.Equal(50, _collector.Take().Spans.Length);
        var second = _collector.Take();
        Assert.Equal(second.Body.Length - 5, BinaryPrimitives.ReadInt32BigEndian(second.Body.AsSpan(1)));
        Assert.Single(second.Spans);
    }

    [Fact]
    public void Request_SameSpans_AreTheMessageOfHttp()
    {
        using var overHttp = new ScriptedCollector();
        using var http = new ExporterUnderTest(overHttp.Endpoint);
        using var grpc = Exporter();
        Assert.True(http.Add(TestSpan.With("key", "value")).Add(2).Flush());
        Assert.True(grpc.Add(TestSpan.With("key", "value")).Add(2).Flush());
        Assert.Equal(overHttp.Take().Content, _collector.Take().Message);
    }

    [Fact]
    public void Request_MiBs_ArriveWhole()
    {
        using var exporter = Exporter(settings => settings with { MaxQueueBytes = 64 * 1024 * 1024 });
        for (var i = 0; i < 7; i++) exporter.Add(TestSpan.With("large", new string((char)('a' + i), 500_000)));
        Assert.True(exporter.Flush());
        Assert.Equal("abcdefg", string.Concat(_collector.Take().Spans.Select(span => span.Attributes.Single(attribute => attribute.Key == "large").Value.StringValue[^1])));
    }

    [Fact]
    public void Request_TimeIsShort_TheCollectorLearnsIt()
    {
        using var exporter = Exporter(settings => settings with { Timeout = TimeSpan.FromMilliseconds(2500.4) });
        Assert.True(exporter.Add().Flush());
        Assert.Equal("2500m", _collector.Take().Headers["grpc-timeout"]);
    }

    [Fact]
    public void Request_TimeoutOfADay_HasEightDigits()
    {
        using var exporter = Exporter(settings => settings with { Timeout = TimeSpan.FromDays(1) });
        Assert.True(exporter.Add().Flush());
        Assert.Equal("86400000m", _collector.Take().Headers["grpc-timeout"]);
    }

    [Fact]
    public void Request_Several_UseOneConnection()
    {
        using var exporter = Exporter();
        for (var i = 0; i < 5; i++) Assert.True(exporter.Add().Flush());
        Assert.Equal((5, 1), (_collector.Calls.Count, _collector.Connections));
    }

    // As an Aspire AppHost sets them.
    [Fact]
    public async Task Request_VariablesOfAnAppHost_GoesByGrpcWithTheKey()
    {
        await using var services = new ServiceCollection()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            [
                new("OTEL_EXPORTER_OTLP_ENDPOINT", _collector.Endpoint.ToString()),
                new("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                new("OTEL_EXPORTER_OTLP_HEADERS", "x-otlp-api-key=key"),
            ]).Build())
            .AddMeshTracing()
            .BuildServiceProvider();
        var tracing = services.GetRequiredService<MeshTracing>();
        using var source = new ActivitySource("Grpc.AppHost");
        source.StartActivity("one")?.Stop();
        Assert.True(await tracing.FlushAsync());
        var call = _collector.Take();
        Assert.Equal("POST /opentelemetry.proto.collector.trace.v1.TraceService/Export HTTP/2", call.Line);
        Assert.Equal("key", call.Headers["x-otlp-api-key"]);
        Assert.Contains(call.Spans, span => span.Name == "one");
    }

    public void Dispose() => _collector.Dispose();

    private ExporterUnderTest Exporter(Func<ExporterSettings, ExporterSettings>? change = null, string path = "") => new(
        new Uri(_collector.Endpoint, path), settings => change?.Invoke(ExporterUnderTest.AsOtlpGrpc(settings)) ?? ExporterUnderTest.AsOtlpGrpc(settings));
}
