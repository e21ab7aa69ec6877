namespace Tracing.Sdk;

/// <summary>How OTLP is encoded and carried.</summary>
public enum OtlpProtocol
{
    /// <summary>Binary protobuf over HTTP: usually port 4318.</summary>
    HttpProtobuf = 0,

    /// <summary>JSON over HTTP, for receivers that do not read protobuf.</summary>
    HttpJson,

    /// <summary>Binary protobuf over gRPC: usually port 4317.</summary>
    Grpc,
}
