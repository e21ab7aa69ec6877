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
        new(nameof(MeshTracingOptions.ResourceAttributes), Pairs, (o, v) => Fill(o.ResourceAttributes, v), o => string.Join(',', o.ResourceAttributes.Select(a => LogText.Pair(a.Key, a.Value))))
        {
            IsValid = o => !o.ResourceAttributes.Values.Contains(null!),
            Show = LogText.Pairs,
            IsAddedTo = true,
            Variables = [new("OTEL_RESOURCE_ATTRIBUTES")],
        },
        new("Sampling:Ratio", "a number from 0 to 1, such as 0.1", (o, v) => o.Sampling.Ratio = Double(v), o => o.Sampling.Ratio.ToString(CultureInfo.InvariantCulture))
        {
            IsValid = o => o.Sampling.Ratio is >= 0 and <= 1,
        },
        new("Sampling:FollowParentDecision", Flag, (o, v) => o.Sampling.FollowParentDecision = Bool(v), o => o.Sampling.FollowParentDecision ? "true" : "false"),
        new(nameof(MeshTracingOptions.Sources), "a list of names; * at the end stands for any rest", (o, v) => Fill(o.Sources, v), o => string.Join(',', o.Sources))
        {
            IsValid = o => AreNames(o.Sources),
        },
        new(nameof(MeshTracingOptions.IgnoredSources), "a list of names; * at the end stands for any rest", (o, v) => Fill(o.IgnoredSources, v), o => string.Join(',', o.IgnoredSources))
        {
            IsValid = o => AreNames(o.IgnoredSources),
        },
        new("Propagation:Formats", "a list of tracecontext, baggage, b3, b3multi, or none", (o, v) => Fill(o.Propagation.Formats, v), o => string.Join(',', o.Propagation.Formats))
        {
            IsValid = o => AreAmong(KnownPropagators, o.Propagation.Formats),
            Variables = [new("OTEL_PROPAGATORS") { KnownItems = KnownPropagators }],
        },
        new("Trust:Default", "Trust, TrustIdsOnly or Restart", (o, v) => o.Trust.Default = OneOf<TraceTrust>(v), o => o.Trust.Default.ToString())
        {
            IsValid = o => Enum.IsDefined(o.Trust.Default),
        },
        new("Trust:Rules", "a list of rules such as \"Restart external\", \"TrustIdsOnly 10.0.0.0/8\" or \"Trust spiffe://cluster.local/ns/shop/*\"", (o, v) => Fill(o.Trust.Rules, v), o => string.Join(',', o.Trust.Rules))
        {
            IsValid = o => AreNames(o.Trust.Rules) && Parses(() => new TrustPolicy(o.Trust.Default, o.Trust.Rules, o.Http.EnvoyHeaderPrefix)),
        },
        new("Sampling:DeferUnsampledParent", Flag, (o, v) => o.Sampling.DeferUnsampledParent = Bool(v), o => o.Sampling.DeferUnsampledParent ? "true" : "false"),
        new("Trust:MaxForcedTracesPerSecond", Count, (o, v) => o.Trust.MaxForcedTracesPerSecond = Int(v), o => Text(o.Trust.MaxForcedTracesPerSecond))
        {
            IsValid = o => o.Trust.MaxForcedTracesPerSecond is null or >= 1,
        },
        new("Http:EnvoyHeaderPrefix", "a header name without its last part, such as x-envoy", (o, v) => o.Http.EnvoyHeaderPrefix = v, o => o.Http.EnvoyHeaderPrefix ?? "")
        {
            IsValid = o => IsHeaderName(o.Http.EnvoyHeaderPrefix),
        },
        new("Propagation:ForwardedHeaders", "a list of header names that are not a proxy's own (x-forwarded-*, x-envoy-* and the like belong to one hop)", (o, v) => Fill(o.Propagation.ForwardedHeaders, v), o => string.Join(',', o.Propagation.ForwardedHeaders))
        {
            IsValid = o => AreNames(o.Propagation.ForwardedHeaders) && o.Propagation.ForwardedHeaders.All(h => IsHeaderName(h) && !HopHeaders.Contains(h, o.Http.EnvoyHeaderPrefix)),
        },
        new("Propagation:Targets", Patterns, (o, v) => Fill(o.Propagation.Targets, v), o => string.Join(',', o.Propagation.Targets))
        {
            IsValid = o => AreNames(o.Propagation.Targets) && Parses(() => new HostPatterns(o.Propagation.Targets)),
        },
        new("Propagation:ExcludedTargets", Patterns, (o, v) => Fill(o.Propagation.ExcludedTargets, v), o => string.Join(',', o.Propagation.ExcludedTargets))
        {
            IsValid = o => AreNames(o.Propagation.ExcludedTargets) && Parses(() => new HostPatterns(o.Propagation.ExcludedTargets)),
        },
        new("Propagation:BaggageTargets", Patterns, (o, v) => Fill(o.Propagation.BaggageTargets, v), o => string.Join(',', o.Propagation.BaggageTargets))
        {
            IsValid = o => AreNames(o.Propagation.BaggageTargets) && Parses(() => new HostPatterns(o.Propagation.BaggageTargets)),
        },
        new("Propagation:BaggageKeys", "a list of keys; * at the end stands for any rest", (o, v) => Fill(o.Propagation.BaggageKeys, v), o => string.Join(',', o.Propagation.BaggageKeys))
        {
            IsValid = o => AreNames(o.Propagation.BaggageKeys),
        },
        new("Propagation:RandomFlag", Flag, (o, v) => o.Propagation.RandomFlag = Bool(v), o => o.Propagation.RandomFlag ? "true" : "false"),
        new("Http:ResponseHeader", "None, ServerTiming, TraceId, or ServerTiming,TraceId", (o, v) => o.Http.ResponseHeader = OneOf<TraceResponseHeader>(v), o => o.Http.ResponseHeader.ToString())
        {
            IsValid = o => (o.Http.ResponseHeader & ~(TraceResponseHeader.ServerTiming | TraceResponseHeader.TraceId)) == 0,
        },
        new("Export:Exporters", "a list of otlp, zipkin, console, or none", (o, v) => Fill(o.Export.Exporters, v), o => string.Join(',', o.Export.Exporters))
        {
            IsValid = o => AreAmong(KnownExporters, o.Export.Exporters),
            Variables = [new("OTEL_TRACES_EXPORTER") { KnownItems = KnownExporters }],
        },
        new("Export:Otlp:Endpoint", Url, (o, v) => o.Export.Otlp.Endpoint = Endpoint(v), o => LogText.Url(o.Export.Otlp.Endpoint))
        {
            IsValid = o => IsHttp(o.Export.Otlp.Endpoint),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
                new("OTEL_EXPORTER_OTLP_ENDPOINT", (o, v) => o.Export.Otlp.Endpoint = WithTracesPath(Endpoint(v)), "an absolute http or https URL, such as http://collector:4318"),
            ],
        },
        new("Export:Otlp:Protocol", "HttpProtobuf or HttpJson", (o, v) => o.Export.Otlp.Protocol = OneOf<OtlpProtocol>(v), o => o.Export.Otlp.Protocol.ToString())
        {
            IsValid = o => Enum.IsDefined(o.Export.Otlp.Protocol),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", (o, v) => o.Export.Otlp.Protocol = Protocol(v), Grpc),
                new("OTEL_EXPORTER_OTLP_PROTOCOL", (o, v) => o.Export.Otlp.Protocol = Protocol(v), Grpc),
            ],
        },
        new("Export:Otlp:Headers", Pairs, (o, v) => Fill(o.Export.Otlp.Headers, v), o => string.Join(',', o.Export.Otlp.Headers.Select(HeaderKey)))
        {
            IsValid = o => o.Export.Otlp.Headers.All(h => IsHeaderName(h.Key) && h.Value is not null && HeaderText.IsSafe(h.Value)),
            Show = static _ => LogText.Hidden,
            Use = SettingUse.Otlp,
            IsAddedTo = true,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_HEADERS"), new("OTEL_EXPORTER_OTLP_HEADERS")],
        },
        new("Export:Otlp:Compression", "None or Gzip", (o, v) => o.Export.Otlp.Compression = OneOf<OtlpCompression>(v), o => o.Export.Otlp.Compression.ToString())
        {
            IsValid = o => Enum.IsDefined(o.Export.Otlp.Compression),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", (o, v) => o.Export.Otlp.Compression = Compression(v), "gzip or none"),
                new("OTEL_EXPORTER_OTLP_COMPRESSION", (o, v) => o.Export.Otlp.Compression = Compression(v), "gzip or none"),
            ],
        },
        new("Export:Otlp:CertificateFile", "the path of a PEM file", (o, v) => o.Export.Otlp.CertificateFile = File(v), o => o.Export.Otlp.CertificateFile ?? "")
        {
            IsValid = o => IsCertificate(o.Export.Otlp.CertificateFile),
            Show = LogText.File,
            Use = SettingUse.Otlp,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"), new("OTEL_EXPORTER_OTLP_CERTIFICATE")],
        },
        new("Export:Otlp:ClientCertificateFile", "the path of a PEM file", (o, v) => o.Export.Otlp.ClientCertificateFile = File(v), o => o.Export.Otlp.ClientCertificateFile ?? "")
        {
            IsValid = o => IsCertificate(o.Export.Otlp.ClientCertificateFile),
            Show = LogText.File,
            Use = SettingUse.Otlp,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE"), new("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")],
        },
        new("Export:Otlp:ClientKeyFile", "the path of a PEM file", (o, v) => o.Export.Otlp.ClientKeyFile = File(v), o => o.Export.Otlp.ClientKeyFile ?? "")
        {
            Show = LogText.File,
            Use = SettingUse.Otlp,
            Variables = [new("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"), new("OTEL_EXPORTER_OTLP_CLIENT_KEY")],
        },
        new("Export:Otlp:Timeout", Time, (o, v) => o.Export.Otlp.Timeout = Span(v), o => o.Export.Otlp.Timeout.ToString())
        {
            IsValid = o => IsTime(o.Export.Otlp.Timeout),
            Use = SettingUse.Otlp,
            Variables =
            [
                new("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", (o, v) => o.Export.Otlp.Timeout = Ms(v), Milliseconds),
                new("OTEL_EXPORTER_OTLP_TIMEOUT", (o, v) => o.Export.Otlp.Timeout = Ms(v), Milliseconds),
                new("OTEL_BSP_EXPORT_TIMEOUT", (o, v) => o.Export.Otlp.Timeout = Ms(v), Milliseconds),
            ],
        },
        new("Export:Zipkin:Endpoint", "an absolute http or https URL, such as http://zipkin:9411/api/v2/spans", (o, v) => o.Export.Zipkin.Endpoint = Endpoint(v), o => LogText.Url(o.Export.Zipkin.Endpoint))
        {
            IsValid = o => IsHttp(o.Export.Zipkin.Endpoint),
            Use = SettingUse.Zipkin,
            Variables = [new("OTEL_EXPORTER_ZIPKIN_ENDPOINT")],
        },
        new("Export:Zipkin:Timeout", Time, (o, v) => o.Export.Zipkin.Timeout = Span(v), o => o.Export.Zipkin.Timeout.ToString())
        {
            IsValid = o => IsTime(o.Export.Zipkin.Timeout),
            Use = SettingUse.Zipkin,
            Variables =
            [
                new("OTEL_EXPORTER_ZIPKIN_TIMEOUT", (o, v) => o.Export.Zipkin.Timeout = Ms(v), Milliseconds),
                new("OTEL_BSP_EXPORT_TIMEOUT", (o, v) => o.Export.Zipkin.Timeout = Ms(v), Milliseconds),
            ],
        },
        new("Export:Batch:Interval", Time, (o, v) => o.Export.Batch.Interval = Span(v), o => o.Export.Batch.Interval.ToString())
        {
            IsValid = o => IsTime(o.Export.Batch.Interval),
            Use = SettingUse.Export,
            Variables = [new("OTEL_BSP_SCHEDULE_DELAY", (o, v) => o.Export.Batch.Interval = Ms(v), Milliseconds)],
        },
        new("Export:Batch:MaxSize", Count, (o, v) => o.Export.Batch.MaxSize = Int(v), o => Text(o.Export.Batch.MaxSize))
        {
            IsValid = o => o.Export.Batch.MaxSize >= 1,
            Use = SettingUse.Export,
            Variables = [new("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")],
        },
        new("Export:Batch:MaxQueueSize", Count, (o, v) => o.Export.Batch.MaxQueueSize = Int(v), o => Text(o.Export.Batch.MaxQueueSize))
        {
            IsValid = o => o.Export.Batch.MaxQueueSize is null or >= 1,
            Use = SettingUse.Export,
            Variables = [new("OTEL_BSP_MAX_QUEUE_SIZE")],
        },
        new("Export:Batch:MaxQueueBytes", "a whole number of at least 1048576", (o, v) => o.Export.Batch.MaxQueueBytes = Long(v), o => o.Export.Batch.MaxQueueBytes.ToString(CultureInfo.InvariantCulture))
        {
            IsValid = o => o.Export.Batch.MaxQueueBytes >= 1024 * 1024,
            Use = SettingUse.Export,
        },
        new("Limits:MaxAttributes", Limit, (o, v) => o.Limits.MaxAttributes = Int(v), o => Text(o.Limits.MaxAttributes))
        {
            IsValid = o => o.Limits.MaxAttributes >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"), new("OTEL_ATTRIBUTE_COUNT_LIMIT")],
        },
        new("Limits:MaxEvents", Limit, (o, v) => o.Limits.MaxEvents = Int(v), o => Text(o.Limits.MaxEvents))
        {
            IsValid = o => o.Limits.MaxEvents >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_EVENT_COUNT_LIMIT")],
        },
        new("Limits:MaxLinks", Limit, (o, v) => o.Limits.MaxLinks = Int(v), o => Text(o.Limits.MaxLinks))
        {
            IsValid = o => o.Limits.MaxLinks >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_SPAN_LINK_COUNT_LIMIT")],
        },
        new("Limits:MaxEventAttributes", Limit, (o, v) => o.Limits.MaxEventAttributes = Int(v), o => Text(o.Limits.MaxEventAttributes))
        {
            IsValid = o => o.Limits.MaxEventAttributes >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT")],
        },
        new("Limits:MaxLinkAttributes", Limit, (o, v) => o.Limits.MaxLinkAttributes = Int(v), o => Text(o.Limits.MaxLinkAttributes))
        {
            IsValid = o => o.Limits.MaxLinkAttributes >= 0,
            Use = SettingUse.Export,
            Variables = [new("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT")],
        },
        new("Limits:MaxAttributeLength", Limit, (o, v) => o.Limits.MaxAttributeLength = Int(v), o => Text(o.Limits.MaxAttributeLength))
        {
            IsValid = o => o.Limits.MaxAttributeLength is null or >= 0,
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

    private static OtlpCompression Compression(string text) => text.ToLowerInvariant() switch
    {
        "gzip" => OtlpCompression.Gzip,
        "none" => OtlpCompression.None,
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
    private static string HeaderKey(KeyValuePair<string, string> header) => header.Value is "" or "=" ? LogText.Hidden : header.Key;

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
