using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>Whatever is wrong stops the start with one sentence that names the setting, the value and the fix.</summary>
public sealed class InvalidSettingTests
{
    [Fact]
    public void Variables_Wrong_AreNamed() => Snapshot.Match(Messages(
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team"),
        ("OTEL_PROPAGATORS", "tracecontext,jaeger"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER", "half"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "the-secret-itself"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "bad name=the-secret-itself"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=%0D%0Athe-secret-itself"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "/api/v2/spans"),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "99999999999"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5,000"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-5"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1.5")));

    [Fact]
    public void SamplerArgument_Wrong_IsNamed() => Snapshot.Match(string.Concat(new[] { "2", "-0.1", "half", "NaN" }.Select(argument =>
        Message([new("OTEL_TRACES_SAMPLER", "traceidratio"), new("OTEL_TRACES_SAMPLER_ARG", argument)]) + "\n")));

    [Fact]
    public void Section_Wrong_IsNamed() => Snapshot.Match(Messages(
        ("MeshTracing:Mode", "Off"),
        ("MeshTracing:Mode", "-1"),
        ("MeshTracing:Mode", "1"),
        ("MeshTracing:SamplingRatio", "10 %"),
        ("MeshTracing:SamplingRatio", "1.5"),
        ("MeshTracing:SamplingRatio", "NaN"),
        ("MeshTracing:FollowParentDecision", "1"),
        ("MeshTracing:Propagators", "w3c"),
        ("MeshTracing:Trust", "Trust,Restart"),
        ("MeshTracing:Trust", "-1"),
        ("MeshTracing:TrustRules", "Restart"),
        ("MeshTracing:TrustRules", "Restart 10.0.0.0/33"),
        ("MeshTracing:TrustRules", "Believe internal"),
        ("MeshTracing:MaxForcedTracesPerSecond", "0"),
        ("MeshTracing:EnvoyHeaderPrefix", "x envoy"),
        ("MeshTracing:ForwardedHeaders", "x-forwarded-for"),
        ("MeshTracing:ForwardedHeaders", "x-envoy-attempt-count"),
        ("MeshTracing:ForwardedHeaders", "bad name"),
        ("MeshTracing:ForwardedHeaders", "connection"),
        ("MeshTracing:PropagateTo", "https://api.example.com"),
        ("MeshTracing:DoNotPropagateTo", "10.0.0.0/99"),
        ("MeshTracing:BaggageTo", "*example.com"),
        ("MeshTracing:ResponseHeader", "traceparent"),
        ("MeshTracing:Exporters", "otlp,datadog"),
        ("MeshTracing:OtlpEndpoint", "collector:4318"),
        ("MeshTracing:OtlpProtocol", "grpc"),
        ("MeshTracing:OtlpHeaders", "the-secret-itself"),
        ("MeshTracing:OtlpGzip", "gzip"),
        ("MeshTracing:OtlpCertificateFile", "/no/such/file.pem"),
        ("MeshTracing:OtlpTimeout", "10s"),
        ("MeshTracing:OtlpTimeout", "-00:00:01"),
        ("MeshTracing:ExportInterval", "5"),
        ("MeshTracing:ZipkinEndpoint", "zipkin"),
        ("MeshTracing:MaxExportBatchSize", "0"),
        ("MeshTracing:MaxQueueSize", "0"),
        ("MeshTracing:MaxBufferBytes", "1000"),
        ("MeshTracing:MaxBufferBytes", "8 MiB"),
        ("MeshTracing:MaxAttributes", "-1"),
        ("MeshTracing:MaxAttributeLength", "x")));

    [Fact]
    public void Section_UnknownKey_IsNamedWithTheNearest() => Snapshot.Match(Messages(
        ("MeshTracing:SampleRatio", "0.1"),
        ("MeshTracing:servicname", "shop"),
        ("MeshTracing:Exporter", "otlp"),
        ("MeshTracing:OtlpUrl", "http://collector"),
        ("MeshTracing:ExporterHttpHandler", "x")));

    [Fact]
    public void Code_Wrong_IsNamed()
    {
        (string What, Action<MeshTracingOptions> Set)[] cases =
        [
            ("Mode = 7", o => o.Mode = (MeshTracingMode)7),
            ("SamplingRatio = -1", o => o.SamplingRatio = -1),
            ("Trust = 9", o => o.Trust = (Tracing.Sdk.Propagation.TraceTrust)9),
            ("OtlpProtocol = 5", o => o.OtlpProtocol = (OtlpProtocol)5),
            ("ResponseHeader = 8", o => o.ResponseHeader = (TraceResponseHeader)8),
            ("Propagators += null", o => o.Propagators.Add(null!)),
            ("Exporters += jaeger", o => o.Exporters.Add("jaeger")),
            ("Sources += null", o => o.Sources.Add(null!)),
            ("IgnoredSources += null", o => o.IgnoredSources.Add(null!)),
            ("BaggageKeys += null", o => o.BaggageKeys.Add(null!)),
            ("TrustRules += null", o => o.TrustRules.Add(null!)),
            ("PropagateTo += null", o => o.PropagateTo.Add(null!)),
            ("ForwardedHeaders += null", o => o.ForwardedHeaders.Add(null!)),
            ("EnvoyHeaderPrefix = null", o => o.EnvoyHeaderPrefix = null!),
            ("OtlpEndpoint = null", o => o.OtlpEndpoint = null!),
            ("OtlpEndpoint relative", o => o.OtlpEndpoint = new Uri("/v1/traces", UriKind.Relative)),
            ("ZipkinEndpoint ftp", o => o.ZipkinEndpoint = new Uri("ftp://zipkin/")),
            ("OtlpHeaders bad value", o => o.OtlpHeaders["api-key"] = "the-secret-itself\r\n"),
            ("OtlpHeaders null value", o => o.OtlpHeaders["api-key"] = null!),
            ("ResourceAttributes null value", o => o.ResourceAttributes["team"] = null!),
            ("OtlpCertificateFile missing", o => o.OtlpCertificateFile = "/no/such/file.pem"),
            ("OtlpClientKeyFile alone", o => o.OtlpClientKeyFile = "/some/key.pem"),
            ("OtlpTimeout zero", o => o.OtlpTimeout = TimeSpan.Zero),
            ("ExportInterval infinite", o => o.ExportInterval = Timeout.InfiniteTimeSpan),
            ("MaxExportBatchSize = 0", o => o.MaxExportBatchSize = 0),
            ("MaxBufferBytes = 1", o => o.MaxBufferBytes = 1),
            ("MaxLinks = -1", o => o.MaxLinks = -1),
        ];
        var text = new StringBuilder();
        foreach (var (what, set) in cases) text.Append(what).Append("\n  ").Append(Message([], set)).Append('\n');
        Snapshot.Match(text.ToString());
    }

    [Fact]
    public void CertificateFile_ThatIsNone_StopsTheStartWithASentence()
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.pem");
        File.WriteAllText(file, "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
        try
        {
            foreach (var setting in new[] { "OtlpCertificateFile", "OtlpClientCertificateFile" })
            {
                var configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"MeshTracing:{setting}", file)]).Build();
                using var provider = new ServiceCollection().AddSingleton<IConfiguration>(configuration).AddMeshTracing().BuildServiceProvider();
                var e = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<MeshTracing>);

                Assert.Equal($"Tracing cannot start: MeshTracing:{setting} is \"{file}\" but must be the path of a PEM file.", e.Message);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "api-key=the-secret-itself\u00e9")]
    [InlineData("MeshTracing:OtlpHeaders", "bad name=the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://user:the-secret-itself@collector")]
    [InlineData("MeshTracing:ZipkinEndpoint", "ftp://user:the-secret-itself@collector")]
    [InlineData("MeshTracing:ZipkinEndpoint", "user:the-secret-itself@collector:9411/api/v2/spans")]
    [InlineData("MeshTracing:OtlpEndpoint", "collector:4318/v1/traces?api-key=the-secret-itself")]
    [InlineData("MeshTracing:OtlpEndpoint", "ftp://collector:4318/v1/traces?api-key=the-secret-itself")]
    [InlineData("MeshTracing:OtlpEndpoint", "http:user:the-secret-itself@collector")]
    public void Secret_InAWrongValue_IsNotShown(string key, string value)
    {
        Assert.DoesNotContain("the-secret-itself", Message([new(key, value)]), StringComparison.Ordinal);
    }

    private static string Messages(params (string Key, string Value)[] settings)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in settings) text.Append(key).Append('=').Append(value).Append("\n  ").Append(Message([new(key, value)])).Append('\n');
        return text.ToString();
    }

    private static string Message(IEnumerable<KeyValuePair<string, string?>> configuration, params Action<MeshTracingOptions>[] code)
    {
        try
        {
            SettingsResolver.Resolve(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build(), code);
            return "(starts)";
        }
        catch (OptionsValidationException e)
        {
            return e.Message;
        }
        catch (Exception e)
        {
            return $"!! {e.GetType().Name}: {e.Message}";
        }
    }
}
