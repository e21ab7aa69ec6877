namespace Tracing.Sdk;

/// <summary>Encoding of OTLP over HTTP.</summary>
public enum OtlpProtocol
{
    /// <summary>Binary protobuf: the smaller one, which every collector reads.</summary>
    HttpProtobuf = 0,

    /// <summary>JSON, for receivers that do not read protobuf.</summary>
    HttpJson,
}
