using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>Where a program takes spans.</summary>
/// <param name="Zipkin">For Zipkin v2 JSON; null where it does not take that.</param>
/// <param name="OtlpHttp">For OTLP over HTTP.</param>
/// <param name="OtlpGrpc">For OTLP over gRPC.</param>
internal sealed record Endpoints(Uri? Zipkin, Uri OtlpHttp, Uri OtlpGrpc)
{
    public static Endpoints Of(JaegerProcess jaeger) => new(jaeger.Zipkin, jaeger.OtlpHttp, jaeger.OtlpGrpc);

    /// <summary>The OTEL_* variables that make a service send to it in one format.</summary>
    public Dictionary<string, string> Variables(WireFormat format) => format switch
    {
        WireFormat.Zipkin => new()
        {
            ["OTEL_TRACES_EXPORTER"] = "zipkin",
            ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = new Uri(Zipkin!, "/api/v2/spans").ToString(),
        },
        WireFormat.OtlpGrpc => Otlp("grpc", OtlpGrpc),
        WireFormat.OtlpJson => Otlp("http/json", OtlpHttp),
        _ => Otlp("http/protobuf", OtlpHttp),
    };

    private static Dictionary<string, string> Otlp(string protocol, Uri endpoint) => new()
    {
        ["OTEL_TRACES_EXPORTER"] = "otlp",
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol,
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint.ToString(),
    };
}
