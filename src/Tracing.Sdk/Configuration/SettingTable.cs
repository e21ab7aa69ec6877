using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Configuration;

/// <summary>Every setting that text can set, in one table: the README's table, the section and the variables all follow it.</summary>
internal static class SettingTable
{
    private const string Milliseconds = "a number of milliseconds above 0, such as 1000";
    private const string Time = "a time above 0, such as 00:00:10";
    private const string Count = "a whole number of at least 1, such as 512";
    private const string Limit = "a whole number of at least 0, such as 128";
    private const string Url = "an absolute http or https URL, such as http://collector:4318/v1/traces";
    private const string Flag = "true or false";
    private const string Pairs = "a list such as key=value,other=value, percent-encoded where needed";
    private const string Grpc = "http/protobuf or http/json (gRPC is not spoken yet: the endpoint must be the collector's port for OTLP/HTTP, usually 4318)";
    private const string Patterns = "a list of host names, suffixes such as *.example.com, addresses or networks such as 10.0.0.0/8";

    private static readonly string[] KnownPropagators = ["tracecontext", "baggage", "b3", "b3multi", "none"];
    private static readonly string[] KnownExporters = ["otlp", "zipkin", "console", "none"];

    public static IReadOnlyList<Setting> All { get; } =
    [
        new(nameof(MeshTracingOptions.Mode), "Record or Forward", (o, v) => o.Mode = OneOf<MeshTracingMode>(v), o => o.Mode.ToString())
        {
            IsValid = o => Enum.IsDefined(o.Mode),
            Use = SettingUse.Always,
            Variables = [new("OTEL_SDK_DISABLED", (o, v) => o.Mode = Bool(v) ? MeshTracingMode.Forward : MeshTracingMode.Record, Flag)],
        },
        new(nameof(MeshTracingOptions.ServiceName), "a name", (o, v) => o.ServiceName = v, o => o.ServiceName ?? "")
        {
            Variables = [new("OTEL_SERVICE_NAME")],
        },
        new(nameof(MeshTracingOptions.ResourceAttributes), Pairs, (o, v) => Fill(o.ResourceAttributes, v), o => string.Join(',', o.ResourceAttributes.Select(a => ShownText.Pair(a.Key, a.Value))))
        {
            IsValid = o => !o.ResourceAttributes.Values.Contains(null!),
            Show = ShownText.Pairs,
            IsAddedTo = true,
            Variables = [new("OTEL_RESOURCE_ATTRIBUTES")],
        },
        new(nameof(MeshTracingOptions.SamplingRatio), "a number from 0 to 1, such as 0.1", (o, v) => o.SamplingRatio = Double(v), o => o.SamplingRatio.ToString(CultureInfo.InvariantCulture))
        {
            IsValid = o => o.SamplingRatio is >= 0 and <= 1,
        },
        new(nameof(MeshTracingOptions.FollowParentDecision), Flag, (o, v) => o.FollowParentDecision = Bool(v), o => o.FollowParentDecision ? "true" : "false"),
        new(nameof(MeshTracingOptions.Sources), "a list of names; * at the end stands for any rest", (o, v) => Fill(o.Sources, v), o => string.Join(',', o.Sources))
        {
            IsValid = o => AreNames(o.Sources),
        },
        new(nameof(MeshTracingOptions.IgnoredSources), "a list of names; * at the end stands for any rest", (o, v) => Fill(o.IgnoredSources, v), o => string.Join(',', o.IgnoredSources))
        {
            IsValid = o => AreNames(o.IgnoredSources),
        },
        new(nameof(MeshTracingOptions.Propagators), "a list of tracecontext, baggage, b3, b3multi, or none", (o, v) => Fill(o.Propagators, v), o => string.Join(',', o.Propagators))
        {
            IsValid = o => AreAmong(KnownPropagators, o.Propagators),
            Variables = [new("OTEL_PROPAGATORS") { KnownItems = KnownPropagators }],
        },
        new(nameof(MeshTracingOptions.Trust), "Trust, TrustIdsOnly or Restart", (o, v) => o.Trust = OneOf<TraceTrust>(v), o => o.Trust.ToString())
        {
            IsValid = o => Enum.IsDefined(o.Trust),
        },
        new(nameof(MeshTracingOptions.TrustRules), "a list of rules such as \"Restart external\", \"TrustIdsOnly 10.0.0.0/8\" or \"Trust spiffe://cluster.local/ns/shop/*\"", (o, v) => Fill(o.TrustRules, v), o => string.Join(',', o.TrustRules))
        {
            IsValid = o => AreNames(o.TrustRules) && Parses(() => new TrustPolicy(o.Trust, o.TrustRules, o.EnvoyHeaderPrefix)),
        },
        new(nameof(MeshTracingOptions.DeferUnsampledParent), Flag, (o, v) => o.DeferUnsampledParent = Bool(v), o => o.DeferUnsampledParent ? "true" : "false"),
        new(nameof(MeshTracingOptions.MaxForcedTracesPerSecond), Count, (o, v) => o.MaxForcedTracesPerSecond = Int(v), o => Text(o.MaxForcedTracesPerSecond))
        {
            IsValid = o => o.MaxForcedTracesPerSecond is null or >= 1,
        },
        new(nameof(MeshTracingOptions.EnvoyHeaderPrefix), "a header name without its last part, such as x-envoy", (o, v) => o.EnvoyHeaderPrefix = v, o => o.EnvoyHeaderPrefix ?? "")
        {
            IsValid = o => IsHeaderName(o.EnvoyHeaderPrefix),
        },
        new(nameof(MeshTracingOptions.ForwardedHeaders), "a list of header names that are not a proxy's own (x-forwarded-*, x-envoy-* and the like belong to one hop)", (o, v) => Fill(o.ForwardedHeaders, v), o => string.Join(',', o.ForwardedHeaders))
        {
            IsValid = o => AreNames(o.ForwardedHeaders) && o.ForwardedHeaders.All(h => IsHeaderName(h) && !HopHeaders.Contains(h, o.EnvoyHeaderPrefix)),
        },
        new(nameof(MeshTracingOptions.PropagateTo), Patterns, (o, v) => Fill(o.PropagateTo, v), o => string.Join(',', o.PropagateTo))
        {
            IsValid = o => AreNames(o.PropagateTo) && Parses(() => new HostPatterns(o.PropagateTo)),
        },
        new(nameof(MeshTracingOptions.DoNotPropagateTo), Patterns, (o, v) => Fill(o.DoNotPropagateTo, v), o => string.Join(',', o.DoNotPropagateTo))
        {
            IsValid = o => AreNames(o.DoNotPropagateTo) && Parses(() => new HostPatterns(o.DoNotPropagateTo)),
        },
        new(nameof(MeshTracingOptions.BaggageTo), Patterns, (o, v) => Fill(o.BaggageTo, v), o => string.Join(',', o.BaggageTo))
        {
            IsValid = o => AreNames(o.BaggageTo) && Parses(() => new HostPatterns(o.BaggageTo)),
        },
        new(nameof(MeshTracingOptions.BaggageKeys), "a list of keys; * at the end stands for any rest", (o, v) => Fill(o.BaggageKeys, v), o => string.Join(',', o.BaggageKeys))
        {
            IsValid = o => AreNames(o.BaggageKeys),
        },
        new(nameof(MeshTracingOptions.RandomFlag), Flag, (o, v) => o.RandomFlag = Bool(v), o => o.RandomFlag ? "true" : "false"),
        new(nameof(MeshTracingOptions.ResponseHeader), "None, ServerTiming, TraceId, or ServerTiming,TraceId", (o, v) => o.ResponseHeader = OneOf<TraceResponseHeader>(v), o => o.ResponseHeader.ToString())
        {
            IsValid = o => (o.ResponseHeader & ~(TraceResponseHeader.ServerTiming | TraceResponseHeader.TraceId)) == 0,
        },
        new(nameof(MeshTracingOptions.Exporters), "a list of otlp, zipkin, console, or none", (o, v) => Fill(o.Exporters, v), o => string.Join(',', o.Exporters))
        {
            IsValid = o => AreAmong(KnownExporters, o.Exporters),
            Variables = [new("OTEL_TRACES_EXPORTER") { KnownItems = KnownExporters }],
        },
        new(nameof(MeshTracingOptions.OtlpEndpoint), Url, (o, v) => o.OtlpEndpoint = Endpoint(v), o => ShownText.Url(o.OtlpEndpoint))
        {
            IsValid = o => IsHttp(o.OtlpEndpoint),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
                new("OTEL_EXPORTER_OTLP_ENDPOINT", (o, v) => o.OtlpEndpoint = WithTracesPath(Endpoint(v)), "an absolute http or https URL, such as http://collector:4318"),
            ],
        },
        new(nameof(MeshTracingOptions.OtlpProtocol), "HttpProtobuf or HttpJson", (o, v) => o.OtlpProtocol = OneOf<OtlpProtocol>(v), o => o.OtlpProtocol.ToString())
        {
            IsValid = o => Enum.IsDefined(o.OtlpProtocol),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", (o, v) => o.OtlpProtocol = Protocol(v), Grpc),
                new("OTEL_EXPORTER_OTLP_PROTOCOL", (o, v) => o.OtlpProtocol = Protocol(v), Grpc),
            ],
        },
        new(nameof(MeshTracingOptions.OtlpHeaders), Pairs, (o, v) => Fill(o.OtlpHeaders, v), o => string.Join(',', o.OtlpHeaders.Select(HeaderKey)))
        {
            IsValid = o => o.OtlpHeaders.All(h => IsHeaderName(h.Key) && h.Value is not null && HeaderText.IsSafe(h.Value)),
            Show = static _ => ShownText.Hidden,
            Use = SettingUse.Otlp,
            IsAddedTo = true,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), new("OTEL_EXPORTER_OTLP_HEADERS")],
        },
        new(nameof(MeshTracingOptions.OtlpGzip), Flag, (o, v) => o.OtlpGzip = Bool(v), o => o.OtlpGzip ? "true" : "false")
        {
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", (o, v) => o.OtlpGzip = Compression(v), "gzip or none"),
                new("OTEL_EXPORTER_OTLP_COMPRESSION", (o, v) => o.OtlpGzip = Compression(v), "gzip or none"),
            ],
        },
        new(nameof(MeshTracingOptions.OtlpCertificateFile), "the path of a PEM file", (o, v) => o.OtlpCertificateFile = File(v), o => o.OtlpCertificateFile ?? "")
        {
            IsValid = o => IsCertificate(o.OtlpCertificateFile),
            Show = ShownText.File,
            Use = SettingUse.Otlp,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"), new("OTEL_EXPORTER_OTLP_CERTIFICATE")],
        },
        new(nameof(MeshTracingOptions.OtlpClientCertificateFile), "the path of a PEM file", (o, v) => o.OtlpClientCertificateFile = File(v), o => o.OtlpClientCertificateFile ?? "")
        {
            IsValid = o => IsCertificate(o.OtlpClientCertificateFile),
            Show = ShownText.File,
            Use = SettingUse.Otlp,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"), new("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")],
        },
        new(nameof(MeshTracingOptions.OtlpClientKeyFile), "the path of a PEM file", (o, v) => o.OtlpClientKeyFile = File(v), o => o.OtlpClientKeyFile ?? "")
        {
            Show = ShownText.File,
            Use = SettingUse.Otlp,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"), new("OTEL_EXPORTER_OTLP_CLIENT_KEY")],
        },
        new(nameof(MeshTracingOptions.OtlpTimeout), Time, (o, v) => o.OtlpTimeout = Span(v), o => o.OtlpTimeout.ToString())
        {
            IsValid = o => IsTime(o.OtlpTimeout),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", (o, v) => o.OtlpTimeout = Ms(v), Milliseconds),
                new("OTEL_EXPORTER_OTLP_TIMEOUT", (o, v) => o.OtlpTimeout = Ms(v), Milliseconds),
                new("OTEL_BSP_EXPORT_TIMEOUT", (o, v) => o.OtlpTimeout = Ms(v), Milliseconds),
            ],
        },
        new(nameof(MeshTracingOptions.ZipkinEndpoint), "an absolute http or https URL, such as http://zipkin:9411/api/v2/spans", (o, v) => o.ZipkinEndpoint = Endpoint(v), o => ShownText.Url(o.ZipkinEndpoint))
        {
            IsValid = o => IsHttp(o.ZipkinEndpoint),
            Use = SettingUse.Zipkin,
            Variables = [new("OTEL_EXPORTER_ZIPKIN_ENDPOINT")],
        },
        new(nameof(MeshTracingOptions.ZipkinTimeout), Time, (o, v) => o.ZipkinTimeout = Span(v), o => o.ZipkinTimeout.ToString())
        {
            IsValid = o => IsTime(o.ZipkinTimeout),
            Use = SettingUse.Zipkin,
            Variables =
            [
                new("OTEL_EXPORTER_ZIPKIN_TIMEOUT", (o, v) => o.ZipkinTimeout = Ms(v), Milliseconds),
                new("OTEL_BSP_EXPORT_TIMEOUT", (o, v) => o.ZipkinTimeout = Ms(v), Milliseconds),
            ],
        },
        new(nameof(MeshTracingOptions.ExportInterval), Time, (o, v) => o.ExportInterval = Span(v), o => o.ExportInterval.ToString())
        {
            IsValid = o => IsTime(o.ExportInterval),
            Use = SettingUse.Export,
            Variables = [new("OTEL_BSP_SCHEDULE_DELAY", (o, v) => o.ExportInterval = Ms(v), Milliseconds)],
        },
        new(nameof(MeshTracingOptions.MaxExportBatchSize), Count, (o, v) => o.MaxExportBatchSize = Int(v), o => Text(o.MaxExportBatchSize))
        {
            IsValid = o => o.MaxExportBatchSize >= 1,
            Use = SettingUse.Export,
            Variables = [new("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")],
        },
        new(nameof(MeshTracingOptions.MaxQueueSize), Count, (o, v) => o.MaxQueueSize = Int(v), o => Text(o.MaxQueueSize))
        {
            IsValid = o => o.MaxQueueSize is null or >= 1,
            Use = SettingUse.Export,
            Variables = [new("OTEL_BSP_MAX_QUEUE_SIZE")],
        },
        new(nameof(MeshTracingOptions.MaxBufferBytes), "a whole number of at least 1048576", (o, v) => o.MaxBufferBytes = Long(v), o => o.MaxBufferBytes.ToString(CultureInfo.InvariantCulture))
        {
            IsValid = o => o.MaxBufferBytes >= 1024 * 1024,
            Use = SettingUse.Export,
        },
        new(nameof(MeshTracingOptions.MaxAttributes), Limit, (o, v) => o.MaxAttributes = Int(v), o => Text(o.MaxAttributes))
        {
            IsValid = o => o.MaxAttributes >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"), new("OTEL_ATTRIBUTE_COUNT_LIMIT")],
        },
        new(nameof(MeshTracingOptions.MaxEvents), Limit, (o, v) => o.MaxEvents = Int(v), o => Text(o.MaxEvents))
        {
            IsValid = o => o.MaxEvents >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_EVENT_COUNT_LIMIT")],
        },
        new(nameof(MeshTracingOptions.MaxLinks), Limit, (o, v) => o.MaxLinks = Int(v), o => Text(o.MaxLinks))
        {
            IsValid = o => o.MaxLinks >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_LINK_COUNT_LIMIT")],
        },
        new(nameof(MeshTracingOptions.MaxEventAttributes), Limit, (o, v) => o.MaxEventAttributes = Int(v), o => Text(o.MaxEventAttributes))
        {
            IsValid = o => o.MaxEventAttributes >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT")],
        },
        new(nameof(MeshTracingOptions.MaxLinkAttributes), Limit, (o, v) => o.MaxLinkAttributes = Int(v), o => Text(o.MaxLinkAttributes))
        {
            IsValid = o => o.MaxLinkAttributes >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT")],
        },
        new(nameof(MeshTracingOptions.MaxAttributeLength), Limit, (o, v) => o.MaxAttributeLength = Int(v), o => Text(o.MaxAttributeLength))
        {
            IsValid = o => o.MaxAttributeLength is null or >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"), new("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT")],
        },
    ];

    private static string Text(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static bool Bool(string text) => bool.TryParse(text, out var value) ? value : throw new FormatException();

    private static double Double(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static int Int(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : throw new FormatException();

    private static long Long(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : throw new FormatException();

    private static TimeSpan Ms(string text) => TimeSpan.FromMilliseconds(Int(text));

    private static TimeSpan Span(string text) => TimeSpan.Parse(text, CultureInfo.InvariantCulture);

    private static string File(string path) => System.IO.File.Exists(path) ? path : throw new FormatException();

    private static Uri Endpoint(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            ? uri
            : throw new FormatException();

    // The base URL keeps its own path: a collector behind a gateway. https://opentelemetry.io/docs/specs/otel/protocol/exporter/
    private static Uri WithTracesPath(Uri endpoint) =>
        new UriBuilder(endpoint) { Path = endpoint.AbsolutePath.TrimEnd('/') + "/v1/traces" }.Uri;

    private static OtlpProtocol Protocol(string text) => text.ToLowerInvariant() switch
    {
        "http/protobuf" => OtlpProtocol.HttpProtobuf,
        "http/json" => OtlpProtocol.HttpJson,
        _ => throw new FormatException(),
    };

    private static bool Compression(string text) => text.ToLowerInvariant() switch
    {
        "gzip" => true,
        "none" => false,
        _ => throw new FormatException(),
    };

    // By name only: Enum.Parse takes numbers, and lists of names even where they mean nothing.
    private static T OneOf<T>(string text)
        where T : struct, Enum
    {
        var names = text.Split(',', StringSplitOptions.TrimEntries);
        var isOne = names.Length == 1 || typeof(T).IsDefined(typeof(FlagsAttribute), inherit: false);
        return isOne && names.All(n => Enum.GetNames<T>().Contains(n, StringComparer.OrdinalIgnoreCase))
            ? Enum.Parse<T>(text, ignoreCase: true)
            : throw new FormatException();
    }

    // The padding of a secret in base64, given without its name, makes it read as the key of an empty value.
    private static string HeaderKey(KeyValuePair<string, string> header) => header.Value is "" or "=" ? ShownText.Hidden : header.Key;

    private static bool AreNames(IList<string> list) => !list.Any(string.IsNullOrWhiteSpace);

    private static bool AreAmong(string[] known, IList<string> list) => AreNames(list) && list.All(i => known.Contains(i, StringComparer.OrdinalIgnoreCase));

    private static bool IsHttp(Uri? uri) => uri is { IsAbsoluteUri: true } && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);

    private static bool IsTime(TimeSpan time) => time > TimeSpan.Zero && time <= TimeSpan.FromDays(1);

    private static bool IsHeaderName(string? name) =>
        !string.IsNullOrEmpty(name) && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));

    private static bool IsCertificate(string? file) => file is null || Parses(() =>
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        return certificates.Count > 0 ? certificates : throw new FormatException();
    });

    /// <summary>Whether the files hold a certificate and its key. The key is in its own file, or in that of the certificate.</summary>
    public static bool IsClientCertificate(string? certificate, string? key) => certificate is null ? key is null : Parses(() =>
    {
        X509Certificate2.CreateFromPemFile(certificate, key).Dispose();
        return certificate;
    });

    private static bool Parses(Func<object> parse)
    {
        try
        {
            _ = parse();
            return true;
        }
        catch (Exception e) when (e is FormatException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void Fill(IList<string> list, string text)
    {
        list.Clear();
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)) list.Add(item);
    }

    private static void Fill(IDictionary<string, string> pairs, string text)
    {
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = item.IndexOf('=');
            if (equals < 1) throw new FormatException();
            pairs[Uri.UnescapeDataString(item[..equals].Trim())] = Uri.UnescapeDataString(item[(equals + 1)..].Trim());
        }
    }
}
