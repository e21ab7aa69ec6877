using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FsCheck.Xunit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>A variable is shared with other services and other libraries: a value that this library cannot use is ignored with one warning.</summary>
public sealed class VariableTests
{
    private static readonly string[] All =
    [
        .. Settings.All.SelectMany(s => s.Variables).Select(v => v.Name).Distinct(), "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_CONFIG_FILE",
    ];

    public static TheoryData<string> AllVariables => [.. All];

    [Fact]
    public void Wrong_Values_AreWarnedAbout() => Snapshot.Match(Warnings(
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=west,a"),
        ("OTEL_PROPAGATORS", "tracecontext,baggage,xray"),
        ("OTEL_PROPAGATORS", "jaeger,ottrace"),
        ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
        ("OTEL_TRACES_SAMPLER", "half"),
        ("OTEL_TRACES_EXPORTER", "otlp,jaeger"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "thrift"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "the-secret-itself"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "bad name=the-secret-itself"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=%0D%0Athe-secret-itself"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/no/such/file.pem"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "/api/v2/spans"),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "99999999999"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5,000"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1000"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "256"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-5"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1.5")));

    [Fact]
    public void SamplerArgument_Wrong_CountsAsNotSet() => Snapshot.Match(string.Concat(new[] { "2", "-0.1", "half", "NaN", "0,5" }.Select(argument =>
        Assert.Single(Resolve(("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", argument)).Warnings) + "\n")));

    [Theory]
    [InlineData("OTEL_PROPAGATORS", "tracecontext,baggage,xray", "Propagation:Formats", "tracecontext,baggage", "OTEL_PROPAGATORS")]
    [InlineData("OTEL_PROPAGATORS", "xray,jaeger", "Propagation:Formats", "tracecontext,b3multi,baggage", "default")]
    [InlineData("OTEL_TRACES_EXPORTER", "otlp,jaeger", "Export:Exporters", "otlp", "OTEL_TRACES_EXPORTER")]
    [InlineData("OTEL_TRACES_EXPORTER", "jaeger , ZIPKIN", "Export:Exporters", "ZIPKIN", "OTEL_TRACES_EXPORTER")]
    [InlineData("OTEL_TRACES_EXPORTER", "jaeger", "Export:Exporters", "otlp", "default")]
    [InlineData("OTEL_TRACES_EXPORTER", " , ", "Export:Exporters", "otlp", "default")]
    [InlineData("OTEL_RESOURCE_ATTRIBUTES", "team=west,a", "ResourceAttributes", "", "default")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "api-key=1,bad name=2", "Export:Otlp:Headers", "", "default")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift", "Export:Otlp:Protocol", "HttpProtobuf", "default")]
    [InlineData("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "Sampling:FollowParentDecision", "true", "default")]
    [InlineData("OTEL_TRACES_SAMPLER", "xray", "Sampling:FollowParentDecision", "true", "default")]
    public void Wrong_Value_LeavesWhatHolds(string variable, string text, string setting, string value, string origin)
    {
        var resolved = Resolve((variable, text));

        Assert.Equal((value, origin), (Read(resolved, setting), resolved.OriginOf(setting)));
    }

    // By the specification an ignored variable is as one that is not set: the general one counts then.
    [Fact]
    public void Wrong_SpecificVariable_LeavesTheGeneralOne()
    {
        var resolved = Resolve(("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1s"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"));

        Assert.Equal((TimeSpan.FromSeconds(1.5), "OTEL_EXPORTER_OTLP_TIMEOUT"), (resolved.Options.Export.Otlp.Timeout, resolved.OriginOf("Export:Otlp:Timeout")));
        Assert.Equal(
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is \"1s\" but must be a number of milliseconds above 0, such as 1000. It is ignored: Export:Otlp:Timeout is 00:00:01.5000000 (OTEL_EXPORTER_OTLP_TIMEOUT).",
            Assert.Single(resolved.Warnings));
    }

    [Fact]
    public void Wrong_GeneralVariableBesideASpecificOne_IsNotJudged() =>
        Assert.Empty(Resolve(("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1000"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "1s")).Warnings);

    [Theory]
    [InlineData("OTEL_SDK_DISABLED", "yes", "Mode", "Record", "Forward")]
    [InlineData("OTEL_PROPAGATORS", "xray", "Propagation:Formats", "b3", "b3")]
    [InlineData("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "Sampling:Ratio", "0.1", "0.1")]
    [InlineData("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "Sampling:FollowParentDecision", "true", "false")]
    [InlineData("OTEL_TRACES_EXPORTER", "otlp,jaeger", "Export:Exporters", "zipkin", "zipkin")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "Export:Otlp:Endpoint", "http://localhost:4318/v1/traces", "http://collector:4318/v1/traces")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift", "Export:Otlp:Protocol", "HttpProtobuf", "HttpJson")]
    [InlineData("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", "Export:Otlp:Compression", "none", "gzip")]
    [InlineData("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "Export:Otlp:Timeout", "00:00:10", "00:00:20")]
    [InlineData("OTEL_BSP_SCHEDULE_DELAY", "5s", "Export:Batch:Interval", "00:00:01", "00:00:02")]
    [InlineData("OTEL_BSP_MAX_QUEUE_SIZE", "many", "Export:Batch:MaxQueueSize", "1000", "1000")]
    [InlineData("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1", "Limits:MaxEvents", "128", "64")]
    public void Wrong_ButOverridden_IsNotJudged(string variable, string text, string setting, string value, string code)
    {
        var entry = Settings.Get(setting);

        Assert.Empty(Resolve((variable, text), ($"MeshTracing:{setting}", value)).Warnings);
        var resolved = Layered.Resolve(Configuration((variable, text)), [o => entry.Set(o, entry.Parse(code))]);
        Assert.Empty(resolved.Warnings);
        Assert.Equal("code", resolved.OriginOf(setting));
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift", "zipkin")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector", "console")]
    [InlineData("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file.pem", "zipkin")]
    [InlineData("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/no/such/file.pem", "zipkin")]
    [InlineData("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "zipkin", "otlp")]
    [InlineData("OTEL_BSP_SCHEDULE_DELAY", "5s", "none")]
    [InlineData("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", "none")]
    [InlineData("OTEL_SPAN_LINK_COUNT_LIMIT", "x", "none")]
    public void Wrong_ButUnused_IsNotJudged(string variable, string text, string exporter)
    {
        Assert.Empty(Resolve((variable, text), ("OTEL_TRACES_EXPORTER", exporter)).Warnings);
        Assert.Empty(Resolve((variable, text), ("MeshTracing:Export:Exporters", exporter)).Warnings);
        Assert.Single(Resolve((variable, text), ("OTEL_TRACES_EXPORTER", "otlp,zipkin")).Warnings);
    }

    [Theory]
    [MemberData(nameof(AllVariables))]
    public void Wrong_InForwardMode_IsNotJudged(string variable)
    {
        if (variable == "OTEL_SDK_DISABLED") return;

        Assert.Empty(Resolve((variable, "="), ("MeshTracing:Mode", "Forward")).Warnings);
    }

    // The section and the code add pairs to those of the variable: it is not overridden.
    [Fact]
    public void Wrong_PairsToWhichTheSectionAdds_AreJudged()
    {
        var resolved = Resolve(("OTEL_RESOURCE_ATTRIBUTES", "a"), ("MeshTracing:ResourceAttributes:team", "west"));

        Assert.Equal(
            "OTEL_RESOURCE_ATTRIBUTES is \"a\" but must be a list such as key=value,other=value, percent-encoded where needed. It is ignored: ResourceAttributes is team=west (MeshTracing).",
            Assert.Single(resolved.Warnings));
    }

    [Fact]
    public void Wrong_TimeOfAllExporters_IsOneWarning() => Assert.Equal(
        "OTEL_BSP_EXPORT_TIMEOUT is \"1s\" but must be a number of milliseconds above 0, such as 1000. It is ignored: Export:Otlp:Timeout is 00:00:10 (default), Export:Zipkin:Timeout is 00:00:10 (default).",
        Assert.Single(Resolve(("OTEL_BSP_EXPORT_TIMEOUT", "1s"), ("OTEL_TRACES_EXPORTER", "otlp,zipkin")).Warnings));

    [Theory]
    [InlineData("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2000 OTEL_BSP_MAX_QUEUE_SIZE=1000", 1000, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 2000, more than OTEL_BSP_MAX_QUEUE_SIZE, which is 1000: one export holds 1000 spans at most.")]
    [InlineData("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=2000 MeshTracing:Export:Batch:MaxQueueSize=1000", 1000, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 2000, more than MeshTracing:Export:Batch:MaxQueueSize, which is 1000: one export holds 1000 spans at most.")]
    [InlineData("MeshTracing:Export:Batch:MaxSize=2000 OTEL_BSP_MAX_QUEUE_SIZE=1000", 1000, "MeshTracing:Export:Batch:MaxSize is 2000, more than OTEL_BSP_MAX_QUEUE_SIZE, which is 1000: one export holds 1000 spans at most.")]
    [InlineData("OTEL_BSP_MAX_QUEUE_SIZE=256", 256, "MeshTracing:Export:Batch:MaxSize is 512, more than OTEL_BSP_MAX_QUEUE_SIZE, which is 256: one export holds 256 spans at most.")]
    [InlineData("OTEL_BSP_MAX_QUEUE_SIZE=256 OTEL_TRACES_EXPORTER=none", 256, null)]
    [InlineData("OTEL_BSP_MAX_QUEUE_SIZE=512", 512, null)]
    public void Batch_AboveTheQueueByAVariable_IsCutWithAWarning(string settings, int batch, string? warning)
    {
        var resolved = Resolve([.. settings.Split(' ').Select(s => (s.Split('=')[0], s.Split('=')[1]))]);

        Assert.Equal(batch, resolved.Options.Export.Batch.MaxSize);
        Assert.Equal(warning is null ? [] : [warning], resolved.Warnings);
    }

    [Fact]
    public void ClientCertificate_FilesThatDoNotFit_AreIgnored()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var (first, second) = (Path.Combine(folder.FullName, "first.pem"), Path.Combine(folder.FullName, "second.pem"));
            File.WriteAllText(first, Pem(withKey: false));
            File.WriteAllText(second, Pem(withKey: true));
            foreach (var (certificate, key) in new (string?, string?)[] { (first, second), (first, first), (first, null), (null, second) })
            {
                var resolved = Layered.Resolve(
                    new ConfigurationBuilder().AddInMemoryCollection([new("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", certificate), new("OTEL_EXPORTER_OTLP_CLIENT_KEY", key)]).Build(), []);

                Assert.Equal((null, null), (resolved.Options.Export.Otlp.ClientCertificateFile, resolved.Options.Export.Otlp.ClientKeyFile));
                Assert.Equal((certificate is null ? 0 : 1) + (key is null ? 0 : 1), resolved.Warnings.Count);
            }

            // A key of the section beside a certificate that is ignored: as without the variable, the section alone fails.
            Assert.Equal(
                "OTEL_EXPORTER_OTLP_CLIENT_KEY is \"" + first + "\" but must be the path of a PEM file with the private key of Export:Otlp:ClientCertificateFile. It is ignored: Export:Otlp:ClientKeyFile is not set (default).",
                Assert.Single(Resolve(("MeshTracing:Export:Otlp:ClientCertificateFile", second), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", first)).Warnings));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void CertificateFile_ThatIsNone_IsIgnored()
    {
        var file = Path.GetTempFileName();
        try
        {
            var resolved = Resolve(("OTEL_EXPORTER_OTLP_CERTIFICATE", file));

            Assert.Null(resolved.Options.Export.Otlp.CertificateFile);
            Assert.Single(resolved.Warnings);
        }
        finally
        {
            File.Delete(file);
        }
    }

    // One setting, one origin: the variable would set both, so it sets neither where something else sets one.
    [Theory]
    [InlineData("always_on", "Sampling:Ratio", "0.1", 0.1, true)]
    [InlineData("always_off", "Sampling:Ratio", "1", 1, true)]
    [InlineData("parentbased_always_off", "Sampling:FollowParentDecision", "false", 1, false)]
    [InlineData("parentbased_always_off", "Sampling:Ratio", "0.5", 0.5, true)]
    [InlineData("always_off", "Sampling:FollowParentDecision", "true", 1, true)]
    public void Sampler_OneOptionSetElsewhere_CountsForNeither(string sampler, string setting, string value, double ratio, bool follow)
    {
        var entry = Settings.Get(setting);
        foreach (var resolved in new[]
        {
            Resolve(("OTEL_TRACES_SAMPLER", sampler), ($"MeshTracing:{setting}", value)),
            Layered.Resolve(Configuration(("OTEL_TRACES_SAMPLER", sampler)), [o => entry.Set(o, entry.Parse(value))]),
        })
        {
            Assert.Equal((ratio, follow), (resolved.Options.Sampling.Ratio, resolved.Options.Sampling.FollowParentDecision));
            Assert.DoesNotContain("OTEL_TRACES_SAMPLER", new[] { resolved.OriginOf("Sampling:Ratio"), resolved.OriginOf("Sampling:FollowParentDecision") });
        }
    }

    [Fact]
    public void Sampler_OneOptionInTheSectionAsTheVariableSaysIt_CountsForNeither()
    {
        var resolved = Resolve(("OTEL_TRACES_SAMPLER", "always_off"), ("MeshTracing:Sampling:FollowParentDecision", "false"));

        Assert.Equal((1, false), (resolved.Options.Sampling.Ratio, resolved.Options.Sampling.FollowParentDecision));
        Assert.Equal(("default", "MeshTracing"), (resolved.OriginOf("Sampling:Ratio"), resolved.OriginOf("Sampling:FollowParentDecision")));
    }

    // What the code sets is found by comparison.
    [Fact]
    public void Code_SetsWhatHoldsAnyway_ChangesNoOrigin()
    {
        var resolved = Layered.Resolve(Configuration(("OTEL_TRACES_SAMPLER", "always_off")), [o => o.Sampling.FollowParentDecision = false]);

        Assert.Equal((0, false), (resolved.Options.Sampling.Ratio, resolved.Options.Sampling.FollowParentDecision));
        Assert.Equal("OTEL_TRACES_SAMPLER", resolved.OriginOf("Sampling:FollowParentDecision"));
    }

    [Fact]
    public void Value_LongOrOfSeveralLines_IsOneShortLine()
    {
        var megabyte = new string('x', 1024 * 1024);
        foreach (var variable in All)
        {
            foreach (var text in new[] { megabyte, string.Join(',', megabyte[..100_000].ToArray()), "a\r\n[12:00] all is well\u2028\u202e\u0085", "\0", "\ud800" })
            {
                Assert.All(Resolve((variable, text), ("OTEL_TRACES_EXPORTER", "otlp,zipkin")).Warnings, w =>
                {
                    Assert.InRange(w.Length, 0, 800);
                    Assert.DoesNotContain(w, c => char.IsControl(c) || c is '\u2028' or '\u202e');
                });
            }
        }
    }

    [Property(MaxTest = 300)]
    public void AnyText_OfAnyVariable_Starts(string? text, int seed)
    {
        var random = new Random(seed);
        var (first, second) = (All[random.Next(All.Length)], All[random.Next(All.Length)]);
        foreach (var value in new[] { text ?? "", Mutated(random), $"http://{text}", $"a={text},{text}=b", $"{text},otlp" })
        {
            var resolved = Resolve((first, value), (second, Mutated(random)), ("OTEL_TRACES_EXPORTER", "otlp,zipkin"));
            using var metrics = new SpanMetrics();
            var options = resolved.Options;
            // Parts that are made of the settings at the start.
            TracingParts.CreatePropagation(options, NullLogger.Instance, TimeProvider.System);
            TracingParts.CreateResource(options, "tests", null);
            Assert.All(Settings.All, s => Assert.NotNull(s.Read(options)));
            Assert.NotNull(new UriBuilder(options.Export.Otlp.EndpointInForce) { UserName = "", Password = "" }.Uri);
            Assert.NotNull(new UriBuilder(options.Export.Zipkin.Endpoint) { UserName = "", Password = "" }.Uri);
        }
    }

    private static string Mutated(Random random)
    {
        const string characters = "a1.,;:=%@/?#[]-+ \t\r\n\0\"'*\u00e9\u0130\u0661\u202e\ud83d\ude00\ud800";
        string[] seeds = ["http://collector:4318/v1/traces", "https://[::1]:4318", "otlp,zipkin", "tracecontext,b3", "a=b,c=d", "1000", "0.5", "true", "grpc", "traceidratio", "/etc/ssl/certs", "%0D%0A"];
        var text = new StringBuilder(seeds[random.Next(seeds.Length)]);
        for (var i = random.Next(4); i > 0; i--) text.Insert(random.Next(text.Length + 1), characters[random.Next(characters.Length)]);
        if (random.Next(4) == 0) text.Remove(random.Next(text.Length), 1);
        return text.ToString();
    }

    private static string Warnings(params (string Key, string Value)[] settings)
    {
        var text = new StringBuilder();
        foreach (var (key, value) in settings)
        {
            text.Append(key).Append('=').Append(value);
            var resolved = key == "OTEL_TRACES_EXPORTER" ? Resolve((key, value)) : Resolve((key, value), ("MeshTracing:Export:Exporters", key.Contains("ZIPKIN", StringComparison.Ordinal) ? "zipkin" : "otlp"));
            foreach (var warning in resolved.Warnings) text.Append("\n  ").Append(warning);
            text.Append('\n');
        }

        return text.ToString();
    }

    private static Layered Resolve(params (string Key, string Value)[] settings) => Layered.Resolve(Configuration(settings), []);

    // The last of a key holds.
    private static IConfiguration Configuration(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Reverse().DistinctBy(s => s.Key).Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build();

    private static string Read(Layered resolved, string setting) => Settings.Get(setting).Read(resolved.Options);

    private static string Pem(bool withKey)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return certificate.ExportCertificatePem() + (withKey ? "\n" + key.ExportPkcs8PrivateKeyPem() : "");
    }
}
