using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>The OTLP exporter.</summary>
public sealed class OtlpOptions
{
    /// <summary>Full URL for OTLP/HTTP. Default <c>http://localhost:4318/v1/traces</c>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c> (used as it is), <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> (<c>v1/traces</c> is appended).</summary>
    public Uri Endpoint { get; set => field = Assign(value); } = new("http://localhost:4318/v1/traces");

    /// <summary>Encoding of OTLP. Default <see cref="OtlpProtocol.HttpProtobuf"/>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_PROTOCOL</c>, <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>.</summary>
    public OtlpProtocol Protocol { get; set => field = Assign(value); }

    /// <summary>Headers of every OTLP request, such as an API key. Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_HEADERS</c>, <c>OTEL_EXPORTER_OTLP_HEADERS</c> (<c>key=value,key=value</c>, percent-encoded).</summary>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Compression of request bodies. Default <see cref="OtlpCompression.None"/>. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_COMPRESSION</c>, <c>OTEL_EXPORTER_OTLP_COMPRESSION</c> (<c>gzip</c>, <c>none</c>).</summary>
    public OtlpCompression Compression { get; set => field = Assign(value); }

    /// <summary>PEM file with the authorities that may sign the OTLP collector's certificate. Default: the system's. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE</c>, <c>OTEL_EXPORTER_OTLP_CERTIFICATE</c>.</summary>
    public string? CertificateFile { get; set => field = Assign(value); }

    /// <summary>PEM file with the certificate that we show to the OTLP collector. Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE</c>, <c>OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE</c>.</summary>
    public string? ClientCertificateFile { get; set => field = Assign(value); }

    /// <summary>PEM file with that certificate's private key. Default: none. Variables: <c>OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY</c>, <c>OTEL_EXPORTER_OTLP_CLIENT_KEY</c>.</summary>
    public string? ClientKeyFile { get; set => field = Assign(value); }

    /// <summary>Time in which an OTLP export that was sent has to be answered, its repetitions included. Default 10 s; more than 0. Variables, in milliseconds: <c>OTEL_EXPORTER_OTLP_TRACES_TIMEOUT</c>, <c>OTEL_EXPORTER_OTLP_TIMEOUT</c>.</summary>
    public TimeSpan Timeout { get; set => field = Assign(value); } = TimeSpan.FromSeconds(10);

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
