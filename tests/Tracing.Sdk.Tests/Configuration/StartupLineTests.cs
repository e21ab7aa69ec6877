using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>One line at the start: what is in force, and which layer set it.</summary>
public sealed class StartupLineTests
{
    [Fact]
    public async Task Line_AlmostNothingConfigured_SaysTheDefaults() => Snapshot.Match(await LineAsync());

    [Fact]
    public async Task Line_EveryLayerSetsSomething_NamesTheOrigins() => Snapshot.Match(await LineAsync(
        o =>
        {
            o.Sampling.Ratio = 0.125;
            o.Export.Otlp.Headers["x-by-code"] = "the-secret-itself";
        },
        new("OTEL_SERVICE_NAME", "shop"),
        new("OTEL_PROPAGATORS", "b3,tracecontext"),
        new("OTEL_TRACES_EXPORTER", "otlp,zipkin"),
        new("OTEL_EXPORTER_OTLP_HEADERS", "api-key=the-secret-itself"),
        new("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:the-secret-itself@collector:4318"),
        new("OTEL_BSP_MAX_QUEUE_SIZE", "4096"),
        new("MeshTracing:Export:Zipkin:Endpoint", "http://user:the-secret-itself@zipkin:9411/api/v2/spans"),
        new("MeshTracing:Propagation:Targets:0", "*.example.com"),
        new("MeshTracing:Trust:Default", "TrustIdsOnly")));

    [Fact]
    public async Task Line_SamplerByVariable_SaysSo() => Snapshot.Match(await LineAsync(
        null, new("OTEL_TRACES_SAMPLER", "traceidratio"), new("OTEL_TRACES_SAMPLER_ARG", "0.001"), new("OTEL_TRACES_EXPORTER", "none")));

    [Fact]
    public async Task Line_NameByResourceAttributes_SaysSo() => Snapshot.Match(await LineAsync(
        null, new KeyValuePair<string, string?>("OTEL_RESOURCE_ATTRIBUTES", "service.name=by-attribute,team=west")));

    [Fact]
    public async Task Line_NoFormats_SaysNone() =>
        Assert.Contains("formats none (code)", await LineAsync(o => o.Propagation.Formats.Clear()), StringComparison.Ordinal);

    [Fact]
    public async Task Line_Forward_NamesTheOrigin() => Snapshot.Match(await LineAsync(o => o.Mode = MeshTracingMode.Forward));

    // By the specification the file would replace all other variables, so a warning has to say that it does not.
    [Theory]
    [InlineData(MeshTracingMode.Record)]
    [InlineData(MeshTracingMode.Forward)]
    public async Task Warning_ConfigFile_SaysWhatIsReadInstead(MeshTracingMode mode)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"), o => o.Mode = mode, b => b.Configuration.AddInMemoryCollection([new("OTEL_CONFIG_FILE", "/etc/otel.yaml")]));
        await service.StopAsync();

        Assert.Equal(
            "OTEL_CONFIG_FILE is \"/etc/otel.yaml\", but tracing does not read such files: the other variables, the MeshTracing section and the code count.",
            Assert.Single(service.Log.Lines, l => l.Level == LogLevel.Warning).Message);
    }

    [Fact]
    public async Task Line_Always_HoldsNoSecret()
    {
        var line = await LineAsync(
            o => o.Export.Otlp.Headers["authorization"] = "the-secret-itself",
            new("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:the-secret-itself@collector:4318"),
            new("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=the-secret-itself"));

        Assert.DoesNotContain("the-secret-itself", line, StringComparison.Ordinal);
        Assert.Contains("collector:4318", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/?Api-Key=the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces?Api-Key=the-secret-itself#the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://user:1/the-secret-itself@collector:4318/v1/traces")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "dGhlLXNlY3JldC1pdHNlbGY==")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "dGhlLXNlY3JldC1pdHNlbGY=")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "team=west,db.password=the-secret-itself,api_key=the-secret-itself")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "db=postgres://user:the-secret-itself@db/shop,auth.token=the-secret-itself")]
    [InlineData("MeshTracing:ResourceAttributes:Client-Secret", "the-secret-itself")]
    [InlineData("MeshTracing:Export:Otlp:Endpoint", "https://user:the-secret-itself@collector:4318/v1/traces?Api-Key=the-secret-itself")]
    [InlineData("MeshTracing:Export:Zipkin:Endpoint", "https://zipkin:9411/api/v2/spans?Api-Key=the-secret-itself")]
    public async Task Line_OfASettingWithASecret_DoesNotHoldIt(string key, string value)
    {
        var line = await LineAsync(null, new(key, value), new("MeshTracing:Export:Exporters", "otlp,zipkin"));

        Assert.DoesNotContain("the-secret-itself", line, StringComparison.Ordinal);
        Assert.DoesNotContain("dGhlLXNlY3JldC1pdHNlbGY", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_AttributesWithoutSecrets_ShowsThem() => Assert.Contains(
        "ResourceAttributes owner=team@example.com,question=why? (OTEL_RESOURCE_ATTRIBUTES)",
        await LineAsync(null, new KeyValuePair<string, string?>("OTEL_RESOURCE_ATTRIBUTES", "owner=team@example.com,question=why?")),
        StringComparison.Ordinal);

    [Fact]
    public async Task Line_ValuesOfSeveralLinesOrLong_IsOneShortLine()
    {
        var line = await LineAsync(
            null, new("OTEL_SERVICE_NAME", "shop\r\n[12:00] forged"), new("OTEL_RESOURCE_ATTRIBUTES", $"a=%0D%0A[12:00]%20forged,b={new string('x', 100_000)}"));

        Assert.DoesNotContain('\r', line);
        Assert.DoesNotContain("\n[", line, StringComparison.Ordinal);
        Assert.InRange(line.Length, 1, 1000);
    }

    [Fact]
    public async Task Warning_OfAFailedExport_HoldsNoSecretEither()
    {
        var closed = new WireServer();
        await closed.DisposeAsync();
        var endpoint = $"http://user:the-secret-itself@127.0.0.1:{closed.Address.Port}";
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o =>
            {
                o.Export.HttpHandler = null;
                o.Export.Exporters.Add("zipkin");
            },
            b => b.Configuration.AddInMemoryCollection([new("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), new("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint)]));
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Equal(2, service.Log.Lines.Count(l => l.Message.Contains($"Nothing answers at http://127.0.0.1:{closed.Address.Port}", StringComparison.Ordinal)));
        Assert.DoesNotContain(service.Log.Lines, l => l.Message.Contains("the-secret-itself", StringComparison.Ordinal));
    }

    private static async Task<string> LineAsync(Action<MeshTracingOptions>? options = null, params KeyValuePair<string, string?>[] configuration)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"), options, b => b.Configuration.AddInMemoryCollection(configuration));
        var line = Assert.Single(service.Log.OfTracing, l => l.StartsWith("Tracing ", StringComparison.Ordinal));
        await service.StopAsync();
        return line.Replace(", ", ",\n  ");
    }
}
