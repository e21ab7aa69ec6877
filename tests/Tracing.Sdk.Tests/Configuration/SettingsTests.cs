using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>Code wins over the section, the section over the variables, the variables over the default; for every setting there is.</summary>
public sealed class SettingsTests
{
    private static readonly string[] Pem = WritePemFiles();

    // Setting: its default as text; a text for its variable and how it reads; a text for the section and how it reads; one for the code.
    private static readonly Dictionary<string, (string Default, string Variable, string FromVariable, string Section, string FromSection, string Code)> Samples = new()
    {
        ["Mode"] = ("Record", "true", "Forward", "Record", "Record", "Forward"),
        ["ServiceName"] = ("", "by-variable", "by-variable", "by-section", "by-section", "by-code"),
        ["ResourceAttributes"] = ("", "a=1,b=%20x", "a=1,b= x", "a=2", "a=2,b= x", "a=3"),
        ["Sampling:Ratio"] = ("1", "", "", "0.5", "0.5", "0.25"),
        ["Sampling:FollowParentDecision"] = ("true", "", "", "false", "false", "true"),
        ["Sources"] = ("*", "", "", "A,B.*", "A,B.*", "C"),
        ["Ignore:HealthChecks"] = ("true", "", "", "False", "false", "true"),
        ["Ignore:BackgroundPolls"] = ("true", "", "", "False", "false", "true"),
        ["Ignore:Paths"] = ("", "", "", "/a, /b/*", "/a,/b/*", "/c"),
        ["Ignore:Calls"] = ("", "", "", "vault, *.example.com:80/a", "vault,*.example.com:80/a", "consul"),
        ["Ignore:RootSources"] = ("", "", "", "A , B", "A,B", "C"),
        ["Sampling:Rules"] = ("", "", "", "never path=/a, 0.1 source=B", "never path=/a,0.1 source=B", "always"),
        ["Sampling:EndedParentTimeout"] = ("00:01:00", "", "", "00:00:00", "00:00:00", "00:00:03"),
        ["Enrich:BaggageKeys"] = ("", "", "", "a, b", "a,b", "c"),
        ["Http:ClientAddress"] = ("false", "", "", "True", "true", "false"),
        ["Http:ShowQuery"] = ("false", "", "", "True", "true", "false"),
        ["Http:ShownQueryKeys"] = ("", "", "", "page, size", "page,size", "id"),
        ["Export:RemovedAttributes"] = ("", "", "", "a, b.*", "a,b.*", "c"),
        ["Ignore:Sources"] = ("", "", "", "A , B", "A,B", "C"),
        ["Propagation:Formats"] = ("tracecontext,b3multi,baggage", "b3", "b3", "tracecontext, baggage", "tracecontext,baggage", "b3multi"),
        ["Trust:Default"] = ("Trust", "", "", "restart", "Restart", "TrustIdsOnly"),
        ["Trust:Rules"] = ("", "", "", "Restart external, Trust 10.0.0.0/8", "Restart external,Trust 10.0.0.0/8", "Trust internal"),
        ["Sampling:DeferUnsampledParent"] = ("false", "", "", "True", "true", "false"),
        ["Trust:MaxForcedTracesPerSecond"] = ("", "", "", "10", "10", "20"),
        ["Http:EnvoyHeaderPrefix"] = ("x-envoy", "", "", "x-foo", "x-foo", "x-bar"),
        ["Propagation:ForwardedHeaders"] = ("", "", "", "sw8,x-tenant", "sw8,x-tenant", "grpc-trace-bin"),
        ["Propagation:Targets"] = ("", "", "", "*.example.com,203.0.113.0/24", "*.example.com,203.0.113.0/24", "*"),
        ["Propagation:ExcludedTargets"] = ("", "", "", "a.example.com", "a.example.com", "b.example.com"),
        ["Propagation:BaggageTargets"] = ("", "", "", "a.example.com", "a.example.com", "b.example.com"),
        ["Propagation:BaggageKeys"] = ("*", "", "", "shop.*", "shop.*", "user"),
        ["Propagation:RandomFlag"] = ("true", "", "", "FALSE", "false", "true"),
        ["Http:ResponseHeader"] = ("None", "", "", "ServerTiming,TraceId", "ServerTiming, TraceId", "TraceId"),
        ["Export:Exporters"] = ("otlp", "zipkin,console", "zipkin,console", "none", "none", "otlp,zipkin"),
        ["Export:Otlp:Endpoint"] = ("http://localhost:4318/v1/traces", "http://a:1/x", "http://a:1/x", "http://b:2/y", "http://b:2/y", "http://c:3/z"),
        ["Export:Otlp:Protocol"] = ("HttpProtobuf", "http/json", "HttpJson", "HttpProtobuf", "HttpProtobuf", "HttpJson"),
        ["Export:Otlp:Headers"] = ("", "api-key=1", "api-key", "other=2", "api-key,other", "third=3"),
        ["Export:Otlp:Compression"] = ("None", "gzip", "Gzip", "none", "None", "Gzip"),
        ["Export:Otlp:CertificateFile"] = ("", Pem[0], Pem[0], Pem[1], Pem[1], Pem[2]),
        ["Export:Otlp:ClientCertificateFile"] = ("", Pem[0], Pem[0], Pem[1], Pem[1], Pem[2]),
        ["Export:Otlp:ClientKeyFile"] = ("", Pem[0], Pem[0], Pem[1], Pem[1], Pem[2]),
        ["Export:Otlp:Timeout"] = ("00:00:10", "1500", "00:00:01.5000000", "00:00:02", "00:00:02", "00:00:03"),
        ["Export:Zipkin:Endpoint"] = ("http://localhost:9411/api/v2/spans", "http://a:1/x", "http://a:1/x", "http://b:2/y", "http://b:2/y", "http://c:3/z"),
        ["Export:Zipkin:Timeout"] = ("00:00:10", "1500", "00:00:01.5000000", "00:00:02", "00:00:02", "00:00:03"),
        ["Export:Batch:Interval"] = ("00:00:01", "250", "00:00:00.2500000", "00:00:02", "00:00:02", "00:00:03"),
        ["Export:Batch:MaxSize"] = ("512", "100", "100", "200", "200", "300"),
        ["Export:Batch:MaxQueueSize"] = ("", "1000", "1000", "2000", "2000", "3000"),
        ["Export:Batch:MaxQueueBytes"] = ("8388608", "", "", "3000000000", "3000000000", "1048576"),
        ["Limits:MaxAttributes"] = ("128", "1", "1", "2", "2", "3"),
        ["Limits:MaxEvents"] = ("128", "1", "1", "2", "2", "3"),
        ["Limits:MaxLinks"] = ("128", "1", "1", "2", "2", "3"),
        ["Limits:MaxEventAttributes"] = ("128", "1", "1", "2", "2", "3"),
        ["Limits:MaxLinkAttributes"] = ("128", "1", "1", "2", "2", "3"),
        ["Limits:MaxAttributeLength"] = ("", "1", "1", "2", "2", "3"),
    };

    public static TheoryData<string> AllSettings => [.. Settings.All.Select(s => s.Name)];

    public static TheoryData<string, string> AllVariables
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var setting in Settings.All)
            {
                foreach (var variable in setting.Variables) data.Add(setting.Name, variable.Name);
            }

            return data;
        }
    }

    [Fact]
    public void Settings_AllPublicOptions_AreInTheTable()
    {
        Assert.Equal(
            PathsOf(typeof(MeshTracingOptions)).Where(n => !Settings.IsCodeOnly(n)).Order(),
            Settings.All.Select(s => s.Name).Order());

        static IEnumerable<string> PathsOf(Type type) => type.GetProperties().SelectMany(p => p.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal)
            ? PathsOf(p.PropertyType).Select(n => $"{p.Name}:{n}")
            : [p.Name]);
    }

    [Theory]
    [MemberData(nameof(AllSettings))]
    public void Default_NothingSaid_Holds(string setting)
    {
        var resolved = Resolve([]);

        Assert.Equal((Samples[setting].Default, "default"), (Read(resolved, setting), resolved.OriginOf(setting)));
    }

    [Theory]
    [MemberData(nameof(AllVariables))]
    public void Variable_Set_WinsOverTheDefault(string setting, string variable)
    {
        // The general endpoint is a base, to which the path is added.
        var (text, expected) = variable switch
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => ("http://a:1/x", "http://a:1/x/v1/traces"),
            _ => (Samples[setting].Variable, Samples[setting].FromVariable),
        };
        var resolved = Resolve([new(variable, text)]);

        Assert.Equal((expected, variable), (Read(resolved, setting), resolved.OriginOf(setting)));
    }

    [Theory]
    [MemberData(nameof(AllVariables))]
    public void Variable_EmptyOrBlank_CountsAsUnset(string setting, string variable)
    {
        foreach (var text in new[] { "", "  " })
        {
            var resolved = Resolve([new(variable, text)]);
            Assert.Equal((Samples[setting].Default, "default"), (Read(resolved, setting), resolved.OriginOf(setting)));
        }
    }

    [Theory]
    [MemberData(nameof(AllSettings))]
    public void Section_Set_WinsOverTheVariables(string setting)
    {
        var variables = Settings.Get(setting).Variables;
        var resolved = Resolve([.. variables.Select(v => KeyValuePair.Create(v.Name, (string?)Samples[setting].Variable)), new($"MeshTracing:{setting}", Samples[setting].Section)]);

        Assert.Equal((Samples[setting].FromSection, "MeshTracing"), (Read(resolved, setting), resolved.OriginOf(setting)));
    }

    // A warning of a wrong protocol names the standard words, also where the section has set it.
    [Theory]
    [InlineData("grpc", "Grpc")]
    [InlineData("http/protobuf", "HttpProtobuf")]
    [InlineData("HTTP/JSON", "HttpJson")]
    [InlineData("HttpJson", "HttpJson")]
    public void Section_WordOfTheVariable_IsRead(string word, string expected) =>
        Assert.Equal(expected, Read(Resolve([new("MeshTracing:Export:Otlp:Protocol", word)]), "Export:Otlp:Protocol"));

    [Theory]
    [MemberData(nameof(AllSettings))]
    public void Code_Set_WinsOverTheSection(string setting)
    {
        var sample = Samples[setting];
        var entry = Settings.Get(setting);
        var resolved = Resolve(
            [new($"MeshTracing:{setting}", sample.Section)],
            o =>
            {
                if (setting == "ResourceAttributes") o.ResourceAttributes.Clear();
                if (setting == "Export:Otlp:Headers") o.Export.Otlp.Headers.Clear();
                entry.Set(o, entry.Parse(sample.Code));
            });
        var alone = new MeshTracingOptions();
        entry.Set(alone, entry.Parse(sample.Code));

        Assert.Equal((entry.Read(alone), "code"), (Read(resolved, setting), resolved.OriginOf(setting)));
    }

    [Fact]
    public void Section_LetterCaseOfItsKeys_DoesNotCount()
    {
        Assert.Equal("shop", Resolve([new("meshtracing:servicename", "shop")]).Options.ServiceName);
    }

    [Fact]
    public void Section_Array_IsAList()
    {
        var options = Resolve([new("MeshTracing:Export:Exporters:0", "otlp"), new("MeshTracing:Export:Exporters:1", "zipkin"), new("MeshTracing:Trust:Rules:0", "Restart external")]).Options;

        Assert.Equal(["otlp", "zipkin"], options.Export.Exporters);
        Assert.Equal(["Restart external"], options.Trust.Rules.Select(r => r.ToString()));
    }

    [Fact]
    public void Section_ArrayOfMoreThanTen_KeepsItsOrder()
    {
        var names = Enumerable.Range(0, 12).Select(i => $"S{i}").ToList();
        var options = Resolve(names.Select((n, i) => KeyValuePair.Create($"MeshTracing:Sources:{i}", (string?)n))).Options;

        Assert.Equal(names, options.Sources);
    }

    [Fact]
    public void Section_Object_IsPairs()
    {
        var options = Resolve(
        [
            new("MeshTracing:ResourceAttributes:team", "shop, west"), new("MeshTracing:ResourceAttributes:service.version", "1=2%"), new("MeshTracing:Export:Otlp:Headers:api-key", "a,b=c"),
        ]).Options;

        Assert.Equal(("shop, west", "1=2%"), (options.ResourceAttributes["team"], options.ResourceAttributes["service.version"]));
        Assert.Equal("a,b=c", options.Export.Otlp.Headers["api-key"]);
    }

    [Fact]
    public void Section_OfAJsonFile_SetsTheOptions()
    {
        const string json = """
            { "MeshTracing": { "ServiceName": "shop", "Sampling": { "Ratio": 0.1 }, "Limits": { "MaxAttributes": 64 },
                               "Export": { "Exporters": [ "otlp", "console" ], "Otlp": { "Compression": "gzip" }, "Batch": { "Interval": "00:00:05" } },
                               "Propagation": { "Targets": "*.example.com, api.example.org" }, "ResourceAttributes": { "team": "west" } } }
            """;
        using var stream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json));
        var options = Layered.Resolve(new ConfigurationBuilder().AddJsonStream(stream).Build(), []).Options;

        Assert.Equal(("shop", 0.1, OtlpCompression.Gzip, 64, TimeSpan.FromSeconds(5)), (options.ServiceName, options.Sampling.Ratio, options.Export.Otlp.Compression, options.Limits.MaxAttributes, options.Export.Batch.Interval));
        Assert.Equal(["otlp", "console"], options.Export.Exporters);
        Assert.Equal(["*.example.com", "api.example.org"], options.Propagation.Targets);
        Assert.Equal("west", options.ResourceAttributes["team"]);
    }

    [Theory]
    [InlineData("always_on", null, 1, false)]
    [InlineData("always_off", null, 0, false)]
    [InlineData("traceidratio", "0.25", 0.25, false)]
    [InlineData("traceidratio", null, 1, false)]
    [InlineData("traceidratio", "", 1, false)]
    [InlineData("parentbased_always_on", null, 1, true)]
    [InlineData("parentbased_always_off", "0.7", 0, true)]
    [InlineData("parentbased_traceidratio", "0.25", 0.25, true)]
    [InlineData("ParentBased_TraceIdRatio", " 0.25 ", 0.25, true)]
    [InlineData("", "0.25", 1, true)]
    public void Sampler_ByVariable_SetsRatioAndParentDecision(string sampler, string? argument, double ratio, bool follow)
    {
        var resolved = Resolve([new("OTEL_TRACES_SAMPLER", sampler), new("OTEL_TRACES_SAMPLER_ARG", argument)]);

        Assert.Equal((ratio, follow), (resolved.Options.Sampling.Ratio, resolved.Options.Sampling.FollowParentDecision));
        Assert.Equal(sampler.Length == 0 ? "default" : "OTEL_TRACES_SAMPLER", resolved.OriginOf("Sampling:Ratio"));
    }

    [Fact]
    public void Sampler_BySection_WinsOverTheVariable()
    {
        var options = Resolve([new("OTEL_TRACES_SAMPLER", "always_off"), new("MeshTracing:Sampling:Ratio", "0.5"), new("MeshTracing:Sampling:FollowParentDecision", "true")]).Options;

        Assert.Equal((0.5, true), (options.Sampling.Ratio, options.Sampling.FollowParentDecision));
    }

    [Theory]
    [InlineData("http://collector:4318", "http://collector:4318/v1/traces")]
    [InlineData("http://collector:4318/", "http://collector:4318/v1/traces")]
    [InlineData("https://gateway/otel", "https://gateway/otel/v1/traces")]
    [InlineData("https://gateway/otel/", "https://gateway/otel/v1/traces")]
    [InlineData("http://collector:4318/v1/traces", "http://collector:4318/v1/traces/v1/traces")]
    [InlineData("http://collector", "http://collector/v1/traces")]
    public void OtlpEndpoint_GeneralVariable_GetsThePathAppended(string text, string expected)
    {
        Assert.Equal(expected, Resolve([new("OTEL_EXPORTER_OTLP_ENDPOINT", text)]).Options.Export.Otlp.EndpointInForce.AbsoluteUri);
    }

    [Theory]
    [InlineData("http://collector:4318", "http://collector:4318/")]
    [InlineData("http://collector:4318/custom", "http://collector:4318/custom")]
    public void OtlpEndpoint_TracesVariable_IsTakenAsItIs(string text, string expected)
    {
        var resolved = Resolve([new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", text), new("OTEL_EXPORTER_OTLP_ENDPOINT", "http://other:4318")]);

        Assert.Equal((expected, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), (resolved.Options.Export.Otlp.EndpointInForce.AbsoluteUri, resolved.OriginOf("Export:Otlp:Endpoint")));
    }

    [Theory]
    [InlineData("api-key=secret", "api-key", "secret")]
    [InlineData("api-key = secret ", "api-key", "secret")]
    [InlineData("Authorization=Basic%20YTpi==", "Authorization", "Basic YTpi==")]
    [InlineData("x=1,api-key=a%2Cb", "api-key", "a,b")]
    public void OtlpHeaders_ByVariable_ArePercentDecoded(string text, string key, string value)
    {
        Assert.Equal(value, Resolve([new("OTEL_EXPORTER_OTLP_HEADERS", text)]).Options.Export.Otlp.Headers[key]);
    }

    [Fact]
    public void OtlpHeaders_TracesVariable_StandsInPlaceOfTheGeneralOne()
    {
        var options = Resolve([new("OTEL_EXPORTER_OTLP_HEADERS", "a=1"), new("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2")]).Options;

        Assert.Equal(["b"], options.Export.Otlp.Headers.Keys);
    }

    [Theory]
    [InlineData("true", MeshTracingMode.Forward)]
    [InlineData("TRUE", MeshTracingMode.Forward)]
    [InlineData("false", MeshTracingMode.Record)]
    public void SdkDisabled_ByVariable_MeansForward(string text, MeshTracingMode mode)
    {
        Assert.Equal(mode, Resolve([new("OTEL_SDK_DISABLED", text)]).Options.Mode);
    }

    [Fact]
    public void Code_SeveralActions_ApplyInOrder()
    {
        var resolved = Layered.Resolve(null, [o => o.ServiceName = "first", o => o.ServiceName += "-second"]);

        Assert.Equal(("first-second", "code"), (resolved.Options.ServiceName, resolved.OriginOf("ServiceName")));
    }

    [Fact]
    public void Trust_Names_AreThoseOfTheEnum()
    {
        Assert.Equal(TraceTrust.TrustIdsOnly, Resolve([new("MeshTracing:Trust:Default", "trustidsonly")]).Options.Trust.Default);
    }

    [Fact]
    public void Configuration_Variables_AreReadFromItToo()
    {
        // appsettings.json, a test host or a vault may set what usually is an environment variable.
        Assert.Equal("shop", Resolve([new("OTEL_SERVICE_NAME", "shop")]).Options.ServiceName);
    }

    [Fact]
    public void Resolve_WrongValue_ThrowsTheOptionsException()
    {
        var e = Assert.Throws<OptionsValidationException>(() => Resolve([new("MeshTracing:Mode", "Off")]));

        Assert.Equal(("MeshTracing", typeof(MeshTracingOptions)), (e.OptionsName, e.OptionsType));
        Assert.Single(e.Failures);
    }

    private static Layered Resolve(IEnumerable<KeyValuePair<string, string?>> configuration, params Action<MeshTracingOptions>[] code) =>
        // A key needs its certificate.
        Layered.Resolve(
            new ConfigurationBuilder().AddInMemoryCollection(configuration.Any(c => c.Key.EndsWith("CLIENT_KEY", StringComparison.Ordinal) || c.Key.EndsWith("ClientKeyFile", StringComparison.Ordinal))
                ? configuration.Prepend(new("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", Pem[0]))
                : configuration).Build(),
            code);

    private static string Read(Layered resolved, string setting) => Settings.Get(setting).Read(resolved.Options);

    // Certificate and key in one, and the same in three files.
    private static string[] WritePemFiles()
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var pem = certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem();
        var folder = Directory.CreateTempSubdirectory();
        return [.. Enumerable.Range(0, 3).Select(n =>
        {
            var file = Path.Combine(folder.FullName, $"{n}.pem");
            File.WriteAllText(file, pem);
            return file;
        })];
    }
}
