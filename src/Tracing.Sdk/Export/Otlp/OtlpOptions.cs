using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>The OTLP exporter.</summary>
public sealed class OtlpOptions
{
    // https://opentelemetry.io/docs/specs/otlp/
    internal const int GrpcPort = 4317;
    internal const int HttpPort = 4318;
    private const string HttpPath = "/v1/traces";

    /// <summary>Full URL for OTLP over HTTP; for gRPC, the URL of the server, where a path that ends in <c>/v1/traces</c> counts without that ending.</summary>
    /// <value>Default: <c>http://localhost:4318/v1/traces</c>, and <c>http://localhost:4317</c> when <see cref="Protocol"/> is <see cref="OtlpProtocol.Grpc"/>.
    /// Variables: <c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c> (used as it is), <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> (<c>v1/traces</c> is appended for HTTP).</value>
    /// <remarks>Set it to the collector or backend that takes OTLP.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    [Variable("OTEL_EXPORTER_OTLP_ENDPOINT", AppendedPath = "/v1/traces", Expected = "an absolute http or https URL, such as http://collector:4318")]
    [Example("http://collector:4318/v1/traces")]
    public Uri? Endpoint { get; set; }

    /// <summary>How OTLP is encoded and carried.</summary>
    /// <value>Default: <see cref="OtlpProtocol.Grpc"/> when <see cref="Endpoint"/> has port 4317, else <see cref="OtlpProtocol.HttpProtobuf"/>. Variables:
    /// <c>OTEL_EXPORTER_OTLP_TRACES_PROTOCOL</c>, <c>OTEL_EXPORTER_OTLP_PROTOCOL</c> (<c>grpc</c>, <c>http/protobuf</c>, <c>http/json</c>).</value>
    /// <remarks>Set it for a receiver that speaks gRPC at another port than 4317, or HTTP at this one.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc=Grpc", "http/protobuf=HttpProtobuf", "http/json=HttpJson")]
    [Variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc=Grpc", "http/protobuf=HttpProtobuf", "http/json=HttpJson")]
    public OtlpProtocol? Protocol { get; set; }

    /// <summary>Headers of every OTLP request, such as an API key. Each layer adds to the headers of the layers below. Values are never shown in a log.</summary>
    /// <value>Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_HEADERS</c>, <c>OTEL_EXPORTER_OTLP_HEADERS</c> (<c>key=value,key=value</c>, percent-encoded).</value>
    /// <remarks>Set what the backend asks for; keep secrets out of files under version control.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS")]
    [Variable("OTEL_EXPORTER_OTLP_HEADERS")]
    [SecretHeaders]
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Compression of request bodies.</summary>
    /// <value>Default <see cref="OtlpCompression.None"/>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_COMPRESSION</c>, <c>OTEL_EXPORTER_OTLP_COMPRESSION</c> (<c>gzip</c>, <c>none</c>).</value>
    /// <remarks>Compress where traffic is paid for or slow; it costs processor time.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip=Gzip", "none=None")]
    [Variable("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip=Gzip", "none=None")]
    public OtlpCompression Compression { get; set; }

    /// <summary>PEM file with the authorities that may sign the collector's certificate.</summary>
    /// <value>Default: those of the system. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE</c>, <c>OTEL_EXPORTER_OTLP_CERTIFICATE</c>.</value>
    /// <remarks>Set it when the authority is your own.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE")]
    [Variable("OTEL_EXPORTER_OTLP_CERTIFICATE")]
    [PemFile(HasCertificate = true)]
    public string? CertificateFile { get; set; }

    /// <summary>PEM file with the certificate that is shown to the collector.</summary>
    /// <value>Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE</c>, <c>OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE</c>.</value>
    /// <remarks>Set it for a collector that asks for client certificates (mutual TLS).</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE")]
    [Variable("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")]
    [PemFile(HasCertificate = true)]
    public string? ClientCertificateFile { get; set; }

    /// <summary>PEM file with the private key of <see cref="ClientCertificateFile"/>.</summary>
    /// <value>Default: the key is in <see cref="ClientCertificateFile"/>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY</c>, <c>OTEL_EXPORTER_OTLP_CLIENT_KEY</c>.</value>
    /// <remarks>Set it when certificate and key are two files.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY")]
    [Variable("OTEL_EXPORTER_OTLP_CLIENT_KEY")]
    [PemFile]
    public string? ClientKeyFile { get; set; }

    /// <summary>Time in which an export that was sent has to be answered, including its repetitions.</summary>
    /// <value>Default 10 s; more than 0, at most 1 day. Variables, in milliseconds: <c>OTEL_EXPORTER_OTLP_TRACES_TIMEOUT</c>, <c>OTEL_EXPORTER_OTLP_TIMEOUT</c>,
    /// <c>OTEL_BSP_EXPORT_TIMEOUT</c>.</value>
    /// <remarks>Raise it for a collector that is slow but reliable.</remarks>
    [Variable("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")]
    [Variable("OTEL_EXPORTER_OTLP_TIMEOUT")]
    [Variable("OTEL_BSP_EXPORT_TIMEOUT")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The protocol that is spoken.</summary>
    internal OtlpProtocol ProtocolInForce => Protocol ?? (Endpoint?.Port == GrpcPort ? OtlpProtocol.Grpc : OtlpProtocol.HttpProtobuf);

    /// <summary>The URL that is sent to; for gRPC, without the path of the service.</summary>
    internal Uri EndpointInForce
    {
        get
        {
            if (ProtocolInForce != OtlpProtocol.Grpc) return Endpoint ?? new Uri($"http://localhost:{HttpPort}{HttpPath}");
            if (Endpoint is null) return new Uri($"http://localhost:{GrpcPort}");
            // OTEL_EXPORTER_OTLP_ENDPOINT gets the path appended before the protocol is known, and people copy it from one protocol to the other.
            var path = Endpoint.AbsolutePath;
            return path.EndsWith(HttpPath, StringComparison.Ordinal) ? new UriBuilder(Endpoint) { Path = path[..^HttpPath.Length] }.Uri : Endpoint;
        }
    }
}
