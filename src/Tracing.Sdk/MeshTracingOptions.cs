using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>
/// What <c>AddMeshTracing</c> can be told. Everything has a default, everything can also be set in the <c>MeshTracing</c> section of the
/// configuration, and what has a standard <c>OTEL_*</c> variable obeys it. Code wins over the section, the section over the variables.
/// A wrong value in code or in the section stops the start. A wrong value in a variable, which other services and other libraries may share,
/// is ignored with a warning.
/// </summary>
public sealed class MeshTracingOptions
{
    /// <summary>Whether spans are recorded, or headers only forwarded. Default <see cref="MeshTracingMode.Record"/>. Variable: <c>OTEL_SDK_DISABLED=true</c> means <see cref="MeshTracingMode.Forward"/>.</summary>
    public MeshTracingMode Mode { get; set => field = Assign(value); }

    /// <summary>The name of this service in every trace. Default: the host's application name, else the process name. Variable: <c>OTEL_SERVICE_NAME</c>.</summary>
    public string? ServiceName { get; set => field = Assign(value); }

    /// <summary>Further attributes of the resource, such as <c>service.version</c>. Default: none. Variable: <c>OTEL_RESOURCE_ATTRIBUTES</c> (<c>key=value,key=value</c>, percent-encoded).</summary>
    public IDictionary<string, string> ResourceAttributes { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Share of new traces to record, 0 to 1. Default 1. Variables: <c>OTEL_TRACES_SAMPLER</c>, <c>OTEL_TRACES_SAMPLER_ARG</c>; they count neither for this nor for <see cref="FollowParentDecision"/> when the section or the code sets one of the two.</summary>
    public double SamplingRatio { get; set => field = Assign(value); } = 1.0;

    /// <summary>Whether a caller's decision to record or not to record holds. If not, <see cref="SamplingRatio"/> decides for every request; a B3 debug trace is recorded in any case. Default true. Variable: <c>OTEL_TRACES_SAMPLER</c> (<c>parentbased_*</c>); it does not count when the section or the code sets this or <see cref="SamplingRatio"/>.</summary>
    public bool FollowParentDecision { get; set => field = Assign(value); } = true;

    /// <summary>Names of the ActivitySources to record beside the platform's for HTTP (<c>Microsoft.AspNetCore</c>, <c>System.Net.Http</c>), which only <see cref="IgnoredSources"/> can leave out; <c>*</c> at the end stands for any rest. Default: <c>*</c>. It does not stand for <c>Experimental.System.Net.*</c>, the platform's connection spans, which are traces of their own, nor for <c>Grpc.Net.Client</c>, whose calls are HTTP requests with a span already: these are recorded only when they are named.</summary>
    public IList<string> Sources { get; } = ["*"];

    /// <summary>Names of ActivitySources not to record, written as in <see cref="Sources"/>, which it overrules. Default: none.</summary>
    public IList<string> IgnoredSources { get; } = [];

    /// <summary>Formats to write, the preferred first; whatever is written is also read, B3 always in both forms. Default: <c>tracecontext</c>, <c>b3multi</c>, <c>baggage</c>. Also <c>b3</c>, and <c>none</c>. Single and multi B3 are never written together: the first named is. Variable: <c>OTEL_PROPAGATORS</c>.</summary>
    public IList<string> Propagators { get; } = ["tracecontext", "b3multi", "baggage"];

    /// <summary>Trust level for requests that match no rule in <see cref="TrustRules"/>. Default <see cref="TraceTrust.Trust"/>.</summary>
    public TraceTrust Trust { get; set => field = Assign(value); }

    /// <summary>
    /// Rules by caller, the first that fits decides: <c>Restart external</c> (x-envoy-external-address is there), <c>Trust internal</c>
    /// (x-envoy-internal is true), <c>TrustIdsOnly 10.0.0.0/8</c> (the peer's address), <c>Trust spiffe://cluster.local/ns/shop/*</c>
    /// (the peer's identity in x-forwarded-client-cert, as good as the certificate authority that issued it; a header that cannot be read
    /// gets the least trust of all rules and the default). Default: none. Endpoints can trust less by <c>WithTracePropagation</c>.
    /// </summary>
    public IList<string> TrustRules { get; } = [];

    /// <summary>Whether a caller's "not sampled" is taken for "undecided", because a proxy in front passes ids on without deciding. Default false.</summary>
    public bool DeferUnsampledParent { get; set => field = Assign(value); }

    /// <summary>How many traces a second callers may force by their flags; beyond it <see cref="TraceTrust.TrustIdsOnly"/> holds for the request. Default: no bound; at least 1.</summary>
    public int? MaxForcedTracesPerSecond { get; set => field = Assign(value); }

    /// <summary>Prefix of the mesh's own headers, as set in Envoy's bootstrap. Default <c>x-envoy</c>.</summary>
    public string EnvoyHeaderPrefix { get; set => field = Assign(value); } = "x-envoy";

    /// <summary>Further request headers to pass on unchanged, such as <c>x-ot-span-context</c>, <c>sw8</c> or an application's own. <c>x-request-id</c> and <c>x-client-trace-id</c> always are. From callers that are not trusted only an application's own headers go on. Default: none.</summary>
    public IList<string> ForwardedHeaders { get; } = [];

    /// <summary>Hosts outside the mesh that get trace headers all the same: <c>api.example.com</c>, <c>*.example.com</c>, <c>203.0.113.0/24</c>, <c>*</c>. Default: none; loopback and private addresses, names of one label, and names under .svc, .cluster.local, .local, .internal and .localhost always count as inside.</summary>
    public IList<string> PropagateTo { get; } = [];

    /// <summary>Hosts that get no trace headers whatever else holds, written as in <see cref="PropagateTo"/>. Default: none.</summary>
    public IList<string> DoNotPropagateTo { get; } = [];

    /// <summary>Hosts outside the mesh that get baggage too, written as in <see cref="PropagateTo"/>. Default: none.</summary>
    public IList<string> BaggageTo { get; } = [];

    /// <summary>Keys of the baggage that may leave, whatever code or library wrote it onto the call; <c>*</c> at the end stands for any rest. Default: all.</summary>
    public IList<string> BaggageKeys { get; } = ["*"];

    /// <summary>Whether traces that start here say that their ids are random (W3C level 2, flag 02). Default true. Turn off for peers that drop a traceparent ending in 03.</summary>
    public bool RandomFlag { get; set => field = Assign(value); } = true;

    /// <summary>
    /// The header in which a web service tells its caller the trace id. Default <see cref="TraceResponseHeader.None"/>. The 500 for an
    /// unhandled exception has it only if the application uses <c>UseExceptionHandler</c>: the server clears all headers before its own.
    /// </summary>
    public TraceResponseHeader ResponseHeader { get; set => field = Assign(value); }

    /// <summary>Where spans go: <c>otlp</c>, <c>zipkin</c>, <c>console</c>, several of them, or <c>none</c>. Default: <c>otlp</c>. Variable: <c>OTEL_TRACES_EXPORTER</c>.</summary>
    public IList<string> Exporters { get; } = ["otlp"];

    /// <summary>Full URL for OTLP/HTTP. Default <c>http://localhost:4318/v1/traces</c>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c> (used as it is), <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> (<c>v1/traces</c> is appended).</summary>
    public Uri OtlpEndpoint { get; set => field = Assign(value); } = new("http://localhost:4318/v1/traces");

    /// <summary>Encoding of OTLP. Default <see cref="OtlpProtocol.HttpProtobuf"/>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_PROTOCOL</c>, <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>.</summary>
    public OtlpProtocol OtlpProtocol { get; set => field = Assign(value); }

    /// <summary>Headers of every OTLP request, such as an API key. Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_HEADERS</c>, <c>OTEL_EXPORTER_OTLP_HEADERS</c> (<c>key=value,key=value</c>, percent-encoded).</summary>
    public IDictionary<string, string> OtlpHeaders { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether OTLP bodies are gzipped. Default false. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_COMPRESSION</c>, <c>OTEL_EXPORTER_OTLP_COMPRESSION</c> (<c>gzip</c>, <c>none</c>).</summary>
    public bool OtlpGzip { get; set => field = Assign(value); }

    /// <summary>PEM file with the authorities that may sign the OTLP collector's certificate. Default: the system's. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE</c>, <c>OTEL_EXPORTER_OTLP_CERTIFICATE</c>.</summary>
    public string? OtlpCertificateFile { get; set => field = Assign(value); }

    /// <summary>PEM file with the certificate that we show to the OTLP collector. Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE</c>, <c>OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE</c>.</summary>
    public string? OtlpClientCertificateFile { get; set => field = Assign(value); }

    /// <summary>PEM file with that certificate's private key. Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY</c>, <c>OTEL_EXPORTER_OTLP_CLIENT_KEY</c>.</summary>
    public string? OtlpClientKeyFile { get; set => field = Assign(value); }

    /// <summary>Time in which an OTLP export that was sent has to be answered, its repetitions included. Default 10 s; more than 0. Variables, in milliseconds: <c>OTEL_EXPORTER_OTLP_TRACES_TIMEOUT</c>, <c>OTEL_EXPORTER_OTLP_TIMEOUT</c>.</summary>
    public TimeSpan OtlpTimeout { get; set => field = Assign(value); } = TimeSpan.FromSeconds(10);

    /// <summary>Full URL for Zipkin v2 JSON. Default <c>http://localhost:9411/api/v2/spans</c>. Variable: <c>OTEL_EXPORTER_ZIPKIN_ENDPOINT</c>.</summary>
    public Uri ZipkinEndpoint { get; set => field = Assign(value); } = new("http://localhost:9411/api/v2/spans");

    /// <summary>Time in which a Zipkin export that was sent has to be answered, its repetitions included. Default 10 s; more than 0. Variable, in milliseconds: <c>OTEL_EXPORTER_ZIPKIN_TIMEOUT</c>.</summary>
    public TimeSpan ZipkinTimeout { get; set => field = Assign(value); } = TimeSpan.FromSeconds(10);

    /// <summary>How long a span waits for company before it is sent. Default 1 s; more than 0. Variable, in milliseconds: <c>OTEL_BSP_SCHEDULE_DELAY</c>.</summary>
    public TimeSpan ExportInterval { get; set => field = Assign(value); } = TimeSpan.FromSeconds(1);

    /// <summary>Spans in one export, at most. Default 512, or <see cref="MaxQueueSize"/> where that is less; at least 1, and not above <see cref="MaxQueueSize"/>. Variable: <c>OTEL_BSP_MAX_EXPORT_BATCH_SIZE</c>.</summary>
    public int MaxExportBatchSize { get; set => field = Assign(value); } = 512;

    /// <summary>Spans that may wait for export. Default: as many as <see cref="MaxBufferBytes"/> holds. Variable: <c>OTEL_BSP_MAX_QUEUE_SIZE</c>.</summary>
    public int? MaxQueueSize { get; set => field = Assign(value); }

    /// <summary>Bytes that encoded spans may take up in the whole process. Default 8 MiB; at least 1 MiB. What does not fit is dropped and counted.</summary>
    public long MaxBufferBytes { get; set => field = Assign(value); } = 8 * 1024 * 1024;

    /// <summary>Attributes of a span, at most; the rest is counted. Default 128. Variables: <c>OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT</c>, <c>OTEL_ATTRIBUTE_COUNT_LIMIT</c>.</summary>
    public int MaxAttributes { get; set => field = Assign(value); } = 128;

    /// <summary>Events of a span, at most; the rest is counted. Default 128. Variable: <c>OTEL_SPAN_EVENT_COUNT_LIMIT</c>.</summary>
    public int MaxEvents { get; set => field = Assign(value); } = 128;

    /// <summary>Links of a span, at most; the rest is counted. Default 128. Variable: <c>OTEL_SPAN_LINK_COUNT_LIMIT</c>.</summary>
    public int MaxLinks { get; set => field = Assign(value); } = 128;

    /// <summary>Attributes of an event, at most; the rest is counted. Default 128. Variable: <c>OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT</c>.</summary>
    public int MaxEventAttributes { get; set => field = Assign(value); } = 128;

    /// <summary>Attributes of a link, at most; the rest is counted. Default 128. Variable: <c>OTEL_LINK_ATTRIBUTE_COUNT_LIMIT</c>.</summary>
    public int MaxLinkAttributes { get; set => field = Assign(value); } = 128;

    /// <summary>UTF-16 units of an attribute's text, at most; the rest is cut. Default: no limit. Variables: <c>OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT</c>, <c>OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT</c>.</summary>
    public int? MaxAttributeLength { get; set => field = Assign(value); }

    /// <summary>Makes the handler that the exporters send through: a proxy, a certificate check of your own, a stub. Default: a SocketsHttpHandler. Code only.</summary>
    public Func<HttpMessageHandler>? ExporterHttpHandler { get; set; }

    /// <summary>Names of the options that were assigned, also those assigned the value that they had: the origin of a value is where it was set, changed or not.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
