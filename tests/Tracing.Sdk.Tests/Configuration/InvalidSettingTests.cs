using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>What is wrong in the section or the code stops the start with one sentence that names the setting, the value and the fix.</summary>
public sealed class InvalidSettingTests
{
    [Fact]
    public void Section_Wrong_IsNamed() => Snapshot.Match(Messages(
        ("MeshTracing:Mode", "Off"),
        ("MeshTracing:Mode", "-1"),
        ("MeshTracing:Mode", "1"),
        ("MeshTracing:Sampling:Ratio", "10 %"),
        ("MeshTracing:Sampling:Ratio", "1.5"),
        ("MeshTracing:Sampling:Ratio", "NaN"),
        ("MeshTracing:Sampling:FollowParentDecision", "1"),
        ("MeshTracing:Propagation:Formats", "w3c"),
        ("MeshTracing:Trust:Default", "Trust,Restart"),
        ("MeshTracing:Trust:Default", "-1"),
        ("MeshTracing:Trust:Rules", "Restart"),
        ("MeshTracing:Trust:Rules", "Restart 10.0.0.0/33"),
        ("MeshTracing:Trust:Rules", "Believe internal"),
        ("MeshTracing:Trust:Rules", "Trust internal, Restart 10.0.0.1/8"),
        ("MeshTracing:Trust:Rules", "Restart everybody"),
        ("MeshTracing:Trust:Rules", "Restart external internal"),
        ("MeshTracing:Trust:MaxForcedTracesPerSecond", "0"),
        ("MeshTracing:Http:EnvoyHeaderPrefix", "x envoy"),
        ("MeshTracing:Propagation:ForwardedHeaders", "x-forwarded-for"),
        ("MeshTracing:Propagation:ForwardedHeaders", "x-envoy-attempt-count"),
        ("MeshTracing:Propagation:ForwardedHeaders", "bad name"),
        ("MeshTracing:Propagation:ForwardedHeaders", "connection"),
        ("MeshTracing:Propagation:Targets", "https://api.example.com"),
        ("MeshTracing:Propagation:ExcludedTargets", "10.0.0.0/99"),
        ("MeshTracing:Propagation:BaggageTargets", "*example.com"),
        ("MeshTracing:Http:ResponseHeader", "traceparent"),
        ("MeshTracing:Export:Exporters", "otlp,datadog"),
        ("MeshTracing:Export:RemovedAttributes", "db.*.text"),
        ("MeshTracing:Export:Otlp:Endpoint", "collector:4318"),
        ("MeshTracing:Export:Otlp:Protocol", "thrift"),
        ("MeshTracing:Export:Otlp:Headers", "the-secret-itself"),
        ("MeshTracing:Export:Otlp:Compression", "brotli"),
        ("MeshTracing:Export:Otlp:CertificateFile", "/no/such/file.pem"),
        ("MeshTracing:Export:Otlp:Timeout", "10s"),
        ("MeshTracing:Export:Otlp:Timeout", "-00:00:01"),
        ("MeshTracing:Export:Batch:Interval", "5"),
        ("MeshTracing:Export:Batch:Interval", "1"),
        ("MeshTracing:Export:Batch:Interval:Seconds", "1"),
        ("MeshTracing:Export:Zipkin:Endpoint", "zipkin"),
        ("MeshTracing:Export:Batch:MaxSize", "0"),
        ("MeshTracing:Export:Batch:MaxQueueSize", "0"),
        ("MeshTracing:Export:Batch:MaxQueueBytes", "1000"),
        ("MeshTracing:Export:Batch:MaxQueueBytes", "8 MiB"),
        ("MeshTracing:Limits:MaxAttributes", "-1"),
        ("MeshTracing:Limits:MaxAttributeLength", "x")));

    [Fact]
    public void Section_UnknownKey_IsNamedWithTheNearest() => Snapshot.Match(Messages(
        ("MeshTracing:SampleRatio", "0.1"),
        ("MeshTracing:servicname", "shop"),
        ("MeshTracing:Exporter", "otlp"),
        ("MeshTracing:OtlpUrl", "http://collector"),
        ("MeshTracing:Trust", "Restart"),
        ("MeshTracing:Export:Endpoint", "http://collector"),
        ("MeshTracing:Export:Otlp:EndPointUrl", "http://collector"),
        ("MeshTracing:Export:HttpHandler", "x")));

    // The names of options before they were nested.
    [Theory]
    [InlineData("SamplingRatio", "Sampling:Ratio")]
    [InlineData("FollowParentDecision", "Sampling:FollowParentDecision")]
    [InlineData("DeferUnsampledParent", "Sampling:DeferUnsampledParent")]
    [InlineData("Propagators", "Propagation:Formats")]
    [InlineData("TrustRules", "Trust:Rules")]
    [InlineData("MaxForcedTracesPerSecond", "Trust:MaxForcedTracesPerSecond")]
    [InlineData("EnvoyHeaderPrefix", "Http:EnvoyHeaderPrefix")]
    [InlineData("ResponseHeader", "Http:ResponseHeader")]
    [InlineData("ForwardedHeaders", "Propagation:ForwardedHeaders")]
    [InlineData("PropagateTo", "Propagation:Targets")]
    [InlineData("DoNotPropagateTo", "Propagation:ExcludedTargets")]
    [InlineData("BaggageTo", "Propagation:BaggageTargets")]
    [InlineData("BaggageKeys", "Propagation:BaggageKeys")]
    [InlineData("RandomFlag", "Propagation:RandomFlag")]
    [InlineData("Exporters", "Export:Exporters")]
    [InlineData("OtlpEndpoint", "Export:Otlp:Endpoint")]
    [InlineData("OtlpProtocol", "Export:Otlp:Protocol")]
    [InlineData("OtlpHeaders", "Export:Otlp:Headers")]
    [InlineData("OtlpGzip", "Export:Otlp:Compression")]
    [InlineData("OtlpCertificateFile", "Export:Otlp:CertificateFile")]
    [InlineData("OtlpClientCertificateFile", "Export:Otlp:ClientCertificateFile")]
    [InlineData("OtlpClientKeyFile", "Export:Otlp:ClientKeyFile")]
    [InlineData("OtlpTimeout", "Export:Otlp:Timeout")]
    [InlineData("ZipkinEndpoint", "Export:Zipkin:Endpoint")]
    [InlineData("ZipkinTimeout", "Export:Zipkin:Timeout")]
    [InlineData("ExportInterval", "Export:Batch:Interval")]
    [InlineData("MaxExportBatchSize", "Export:Batch:MaxSize")]
    [InlineData("MaxQueueSize", "Export:Batch:MaxQueueSize")]
    [InlineData("MaxBufferBytes", "Export:Batch:MaxQueueBytes")]
    [InlineData("MaxAttributes", "Limits:MaxAttributes")]
    [InlineData("MaxEvents", "Limits:MaxEvents")]
    [InlineData("MaxLinks", "Limits:MaxLinks")]
    [InlineData("MaxEventAttributes", "Limits:MaxEventAttributes")]
    [InlineData("MaxLinkAttributes", "Limits:MaxLinkAttributes")]
    [InlineData("MaxAttributeLength", "Limits:MaxAttributeLength")]
    public void Section_FlatName_IsNamedWithItsPath(string name, string path) => Assert.Equal(
        $"Tracing cannot start: MeshTracing:{name} is no option; did you mean {path}?", Message([new($"MeshTracing:{name}", "1")]));

    [Fact]
    public void Code_Wrong_IsNamed()
    {
        (string What, Action<MeshTracingOptions> Set)[] cases =
        [
            ("Mode = 7", o => o.Mode = (MeshTracingMode)7),
            ("SamplingRatio = -1", o => o.Sampling.Ratio = -1),
            ("Trust = 9", o => o.Trust.Default = (Tracing.Sdk.TraceTrust)9),
            ("OtlpProtocol = 5", o => o.Export.Otlp.Protocol = (OtlpProtocol)5),
            ("ResponseHeader = 8", o => o.Http.ResponseHeader = (TraceResponseHeader)8),
            ("Propagators += null", o => o.Propagation.Formats.Add(null!)),
            ("Exporters += jaeger", o => o.Export.Exporters.Add("jaeger")),
            ("Sources += null", o => o.Sources.Add(null!)),
            ("Ignore.Sources += null", o => o.Ignore.Sources.Add(null!)),
            ("BaggageKeys += null", o => o.Propagation.BaggageKeys.Add(null!)),
            ("TrustRules += null", o => o.Trust.Rules.Add(null!)),
            ("PropagateTo += null", o => o.Propagation.Targets.Add(null!)),
            ("ForwardedHeaders += null", o => o.Propagation.ForwardedHeaders.Add(null!)),
            ("EnvoyHeaderPrefix = null", o => o.Http.EnvoyHeaderPrefix = null!),
            ("OtlpEndpoint relative", o => o.Export.Otlp.Endpoint = new Uri("/v1/traces", UriKind.Relative)),
            ("ZipkinEndpoint ftp", o => o.Export.Zipkin.Endpoint = new Uri("ftp://zipkin/")),
            ("OtlpHeaders bad value", o => o.Export.Otlp.Headers["api-key"] = "the-secret-itself\r\n"),
            ("OtlpHeaders null value", o => o.Export.Otlp.Headers["api-key"] = null!),
            ("ResourceAttributes null value", o => o.ResourceAttributes["team"] = null!),
            ("OtlpCertificateFile missing", o => o.Export.Otlp.CertificateFile = "/no/such/file.pem"),
            ("OtlpClientKeyFile alone", o => o.Export.Otlp.ClientKeyFile = "/some/key.pem"),
            ("OtlpTimeout zero", o => o.Export.Otlp.Timeout = TimeSpan.Zero),
            ("ExportInterval infinite", o => o.Export.Batch.Interval = Timeout.InfiniteTimeSpan),
            ("MaxExportBatchSize = 0", o => o.Export.Batch.MaxSize = 0),
            ("MaxBufferBytes = 1", o => o.Export.Batch.MaxQueueBytes = 1),
            ("MaxLinks = -1", o => o.Limits.MaxLinks = -1),
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
            foreach (var setting in new[] { "Export:Otlp:CertificateFile", "Export:Otlp:ClientCertificateFile" })
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
    [InlineData("MeshTracing:Export:Otlp:Headers", "bad name=the-secret-itself")]
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
    [InlineData("MeshTracing:Export:Zipkin:Endpoint", "ftp://user:the-secret-itself@collector")]
    [InlineData("MeshTracing:Export:Zipkin:Endpoint", "user:the-secret-itself@collector")]
    [InlineData("MeshTracing:Export:Otlp:Endpoint", "collector/v1/traces?Api-Key=the-secret-itself")]
    [InlineData("MeshTracing:Propagation:Targets", "https://user:the-secret-itself@api.example.com/?key=the-secret-itself")]
    [InlineData("MeshTracing:ResourceAttributes", "team,client_secret=the-secret-itself")]
    [InlineData("MeshTracing:Export:Otlp:ClientKeyFile", "-----BEGIN PRIVATE KEY-----\nthe-secret-itself\n-----END PRIVATE KEY-----")]
    public void Secret_InAWrongValue_IsNotShown(string key, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
        string said;
        try
        {
            said = Assert.Single(Layered.Resolve(configuration, []).Warnings);
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
            o => o.Export.Otlp.Endpoint = new Uri("ftp://user:the-secret-itself@collector/?key=the-secret-itself"),
            o => o.Export.Otlp.Endpoint = new Uri("//user:the-secret-itself@collector/?key=the-secret-itself", UriKind.Relative),
            o => o.Export.Zipkin.Endpoint = new Uri("/api/v2/spans?key=the-secret-itself", UriKind.Relative),
            o => o.Export.Otlp.ClientKeyFile = "-----BEGIN PRIVATE KEY-----\nthe-secret-itself\n-----END PRIVATE KEY-----",
            o => o.Export.Otlp.Headers["the-secret-itself "] = "",
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
        Assert.InRange(Message([new("MeshTracing:Sampling:Ratio", new string('1', 1_000_000))]).Length, 200, 400);
        Assert.InRange(Message([new($"MeshTracing:{new string('x', 10_000)}", "1")]).Length, 200, 400);
    }

    // https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor
    [Theory]
    [InlineData(2000, 1000)]
    [InlineData(2, 1)]
    [InlineData(513, 512)]
    public void Batch_AboveTheQueue_IsNamed(int batch, int queue)
    {
        var expected = $"Tracing cannot start: MeshTracing:Export:Batch:MaxSize is \"{batch}\" but must be at most Export:Batch:MaxQueueSize, which is {queue}.";

        Assert.Equal(expected, Message([], o => (o.Export.Batch.MaxSize, o.Export.Batch.MaxQueueSize) = (batch, queue)));
        Assert.Equal(expected, Message([new("MeshTracing:Export:Batch:MaxSize", $"{batch}"), new("MeshTracing:Export:Batch:MaxQueueSize", $"{queue}")]));
        Assert.Equal(expected, Message([new("MeshTracing:Export:Batch:MaxSize", $"{batch}")], o => o.Export.Batch.MaxQueueSize = queue));
    }

    [Fact]
    public void Batch_TheDefaultInTheSection_IsNamedBesideASmallerQueue() => Assert.Equal(
        "Tracing cannot start: MeshTracing:Export:Batch:MaxSize is \"512\" but must be at most Export:Batch:MaxQueueSize, which is 511.",
        Message([new("MeshTracing:Export:Batch:MaxSize", "512"), new("MeshTracing:Export:Batch:MaxQueueSize", "511")]));

    [Fact]
    public void Batch_NotSaid_FollowsASmallerQueue()
    {
        var resolved = Layered.Resolve(null, [o => o.Export.Batch.MaxQueueSize = 256]);

        Assert.Equal((256, "default"), (resolved.Options.Export.Batch.MaxSize, resolved.OriginOf("Export:Batch:MaxSize")));
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
            Layered.Resolve(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build(), code);
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
