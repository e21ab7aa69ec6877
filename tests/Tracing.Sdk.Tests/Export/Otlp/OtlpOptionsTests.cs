using Tracing.Sdk.Export.Otlp;

namespace Tracing.Sdk.Tests.Export.Otlp;

public sealed class OtlpOptionsTests
{
    [Theory]
    [InlineData(null, null, OtlpProtocol.HttpProtobuf, "http://localhost:4318/v1/traces")]
    [InlineData(null, OtlpProtocol.HttpJson, OtlpProtocol.HttpJson, "http://localhost:4318/v1/traces")]
    [InlineData(null, OtlpProtocol.Grpc, OtlpProtocol.Grpc, "http://localhost:4317/")]
    [InlineData("http://c:4317", null, OtlpProtocol.Grpc, "http://c:4317/")]
    [InlineData("https://c:4317", null, OtlpProtocol.Grpc, "https://c:4317/")]
    [InlineData("http://c:4317/v1/traces", null, OtlpProtocol.Grpc, "http://c:4317/")]
    [InlineData("http://c:4317/base/v1/traces", null, OtlpProtocol.Grpc, "http://c:4317/base")]
    [InlineData("http://c:4317/v1/traces", OtlpProtocol.HttpProtobuf, OtlpProtocol.HttpProtobuf, "http://c:4317/v1/traces")]
    [InlineData("http://c:4318/v1/traces", null, OtlpProtocol.HttpProtobuf, "http://c:4318/v1/traces")]
    [InlineData("http://c:4318/v1/traces", OtlpProtocol.Grpc, OtlpProtocol.Grpc, "http://c:4318/")]
    [InlineData("https://c", OtlpProtocol.Grpc, OtlpProtocol.Grpc, "https://c/")]
    [InlineData("https://c/traces", null, OtlpProtocol.HttpProtobuf, "https://c/traces")]
    public void InForce_EndpointAndProtocol_DecideTogether(string? endpoint, OtlpProtocol? protocol, OtlpProtocol expected, string url)
    {
        var options = new OtlpOptions { Endpoint = endpoint is null ? null : new Uri(endpoint), Protocol = protocol };
        Assert.Equal((expected, url), (options.ProtocolInForce, options.EndpointInForce.ToString()));
    }
}
