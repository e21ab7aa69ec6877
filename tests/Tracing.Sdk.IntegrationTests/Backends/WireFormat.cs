namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>The formats of ours.</summary>
public enum WireFormat
{
    OtlpProtobuf,
    OtlpJson,
    OtlpGrpc,
    Zipkin,
}
