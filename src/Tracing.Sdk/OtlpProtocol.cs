namespace Tracing.Sdk;

/// <summary>Encoding of OTLP over HTTP.</summary>
public enum OtlpProtocol
{
    /// <summary>Binary protobuf: small, and understood by every collector.</summary>
    HttpProtobuf = 0,

    /// <summary>JSON, for collectors that people read.</summary>
    HttpJson,
}
