using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>What is wrong in the section or the code stops the start with one sentence that names the setting, the value and the fix.</summary>
public sealed class InvalidSettingTests
{
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
            ("Trust = 9", o => o.Trust = (Tracing.Sdk.TraceTrust)9),
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

    // Variables leave a warning, the section a sentence: neither shows what may be secret.
    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "api-key=the-secret-itself\u00e9")]
    [InlineData("MeshTracing:OtlpHeaders", "bad name=the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://user:the-secret-itself@collector")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "user:the-secret-itself@collector:4318")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "user:p@the-secret-itself@collector:4318")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:p/the-secret-itself@collector:4318")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:p?the-secret-itself@collector:4318")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector/v1/traces?Api-Key=the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318/v1/traces?Api-Key=the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector#the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "//user:the-secret-itself@collector:4318")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http://user:the-secret-itself@collector")]
    [InlineData("OTEL_EXPORTER_OTLP_CERTIFICATE", "-----BEGIN CERTIFICATE-----the-secret-itself")]
    [InlineData("OTEL_EXPORTER_OTLP_CLIENT_KEY", "-----BEGIN PRIVATE KEY-----\nthe-secret-itself\n-----END PRIVATE KEY-----")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "team,api.key=the-secret-itself")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "db-password=a,the-secret-itself,team")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "team,db=postgres://user:the-secret-itself@db/shop")]
    [InlineData("OTEL_TRACES_EXPORTER", "https://user:the-secret-itself@collector")]
    [InlineData("OTEL_TRACES_SAMPLER", "http://user:the-secret-itself@sampler")]
    [InlineData("MeshTracing:ZipkinEndpoint", "ftp://user:the-secret-itself@collector")]
    [InlineData("MeshTracing:ZipkinEndpoint", "user:the-secret-itself@collector")]
    [InlineData("MeshTracing:OtlpEndpoint", "collector/v1/traces?Api-Key=the-secret-itself")]
    [InlineData("MeshTracing:PropagateTo", "https://user:the-secret-itself@api.example.com/?key=the-secret-itself")]
    [InlineData("MeshTracing:ResourceAttributes", "team,client_secret=the-secret-itself")]
    [InlineData("MeshTracing:OtlpClientKeyFile", "-----BEGIN PRIVATE KEY-----\nthe-secret-itself\n-----END PRIVATE KEY-----")]
    public void Secret_InAWrongValue_IsNotShown(string key, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
        string said;
        try
        {
            said = Assert.Single(SettingsResolver.Resolve(configuration, []).Warnings);
        }
        catch (OptionsValidationException e)
        {
            said = e.Message;
        }

        Assert.Contains(key, said, StringComparison.Ordinal);
        Assert.DoesNotContain("the-secret-itself", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Secret_InAWrongValueOfTheCode_IsNotShown()
    {
        Action<MeshTracingOptions>[] cases =
        [
            o => o.OtlpEndpoint = new Uri("ftp://user:the-secret-itself@collector/?key=the-secret-itself"),
            o => o.OtlpEndpoint = new Uri("//user:the-secret-itself@collector/?key=the-secret-itself", UriKind.Relative),
            o => o.ZipkinEndpoint = new Uri("/api/v2/spans?key=the-secret-itself", UriKind.Relative),
            o => o.OtlpClientKeyFile = "-----BEGIN PRIVATE KEY-----\nthe-secret-itself\n-----END PRIVATE KEY-----",
            o => o.OtlpHeaders["the-secret-itself "] = "",
            o => (o.ResourceAttributes["team"], o.ResourceAttributes["api-token"]) = (null!, "the-secret-itself"),
        ];
        foreach (var set in cases)
        {
            var message = Message([], set);
            Assert.StartsWith("Tracing cannot start: ", message, StringComparison.Ordinal);
            Assert.DoesNotContain("the-secret-itself", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Value_LongOrOfSeveralLines_IsOneShortLine()
    {
        Assert.Equal(
            "Tracing cannot start: MeshTracing:Mode is \"Off  [12:00] all is well\" but must be Record or Forward.",
            Message([new("MeshTracing:Mode", "Off\r\n[12:00] all is well")]));
        Assert.InRange(Message([new("MeshTracing:SamplingRatio", new string('1', 1_000_000))]).Length, 200, 400);
        Assert.InRange(Message([new($"MeshTracing:{new string('x', 10_000)}", "1")]).Length, 200, 400);
    }

    // https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor
    [Theory]
    [InlineData(2000, 1000)]
    [InlineData(2, 1)]
    [InlineData(512, 511)]
    public void Batch_AboveTheQueue_IsNamed(int batch, int queue)
    {
        var expected = $"Tracing cannot start: MeshTracing:MaxExportBatchSize is \"{batch}\" but must be at most MaxQueueSize, which is {queue}.";

        Assert.Equal(expected, Message([], o => (o.MaxExportBatchSize, o.MaxQueueSize) = (batch, queue)));
        Assert.Equal(expected, Message([new("MeshTracing:MaxExportBatchSize", $"{batch}"), new("MeshTracing:MaxQueueSize", $"{queue}")]));
        Assert.Equal(expected, Message([new("MeshTracing:MaxExportBatchSize", $"{batch}")], o => o.MaxQueueSize = queue));
    }

    [Fact]
    public void Batch_NotSaid_FollowsASmallerQueue()
    {
        var resolved = SettingsResolver.Resolve(null, [o => o.MaxQueueSize = 256]);

        Assert.Equal((256, "default"), (resolved.Options.MaxExportBatchSize, resolved.OriginOf("MaxExportBatchSize")));
        Assert.Empty(resolved.Warnings);
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
