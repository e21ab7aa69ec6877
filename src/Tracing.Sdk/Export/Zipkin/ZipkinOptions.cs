using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Export.Zipkin;

/// <summary>The Zipkin exporter.</summary>
public sealed class ZipkinOptions
{
    /// <summary>Full URL for Zipkin v2 JSON.</summary>
    /// <value>Default <c>http://localhost:9411/api/v2/spans</c>. Variable: <c>OTEL_EXPORTER_ZIPKIN_ENDPOINT</c>.</value>
    /// <remarks>Set it to the Zipkin server, or to a collector that takes Zipkin's format.</remarks>
    [Variable("OTEL_EXPORTER_ZIPKIN_ENDPOINT")]
    [Example("http://zipkin:9411/api/v2/spans")]
    public Uri Endpoint { get; set; } = new("http://localhost:9411/api/v2/spans");

    /// <summary>Time in which an export that was sent has to be answered, including its repetitions.</summary>
    /// <value>Default 10 s; more than 0, at most 1 day. Variables, in milliseconds: <c>OTEL_EXPORTER_ZIPKIN_TIMEOUT</c>, <c>OTEL_BSP_EXPORT_TIMEOUT</c>.</value>
    /// <remarks>Raise it for a server that is slow but reliable.</remarks>
    [Variable("OTEL_EXPORTER_ZIPKIN_TIMEOUT")]
    [Variable("OTEL_BSP_EXPORT_TIMEOUT")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
