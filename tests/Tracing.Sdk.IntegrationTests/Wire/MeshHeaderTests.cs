namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>Headers that are not a trace context but without which a mesh falls apart, and those that must stay behind.</summary>
[Collection(WireSuite.Name)]
public sealed class MeshHeaderTests(WireFixture wire)
{
    public static TheoryData<string, string> RequestIds => Cross(
        "ad7b509a-89b4-980e-8f0f-2c1d3e4f5a6b",
        "AD7B509A-89B4-480E-8F0F-2C1D3E4F5A6B",
        "ad7b509a89b4480e8f0f2c1d3e4f5a6b",
        "0HN7A2:00000001",
        "{ad7b509a-89b4-480e-8f0f-2c1d3e4f5a6b}",
        "id with blanks, and a comma");

    public static TheoryData<string, string> HopHeaders => Cross(
        "x-envoy-attempt-count",
        "x-envoy-expected-rq-timeout-ms",
        "x-envoy-original-path",
        "x-envoy-internal",
        "x-envoy-peer-metadata",
        "x-envoy-peer-metadata-id",
        "x-envoy-decorator-operation",
        "x-forwarded-for",
        "x-forwarded-client-cert");

    [Theory]
    [MemberData(nameof(RequestIds))]
    public async Task RequestId_AnyValue_LeavesByteForByteOnEveryCall(string verb, string requestId)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, "request-id", [new("x-request-id", requestId)], calls: 3);
        Assert.Equal([requestId, requestId, requestId], exchange.Calls.Select(call => call.One("x-request-id")));
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task RequestId_OfAnUnsampledRequest_LeavesByteForByteOnEveryCall(string verb)
    {
        const string RequestId = "ad7b509a-89b4-480e-8f0f-2c1d3e4f5a6b";
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(
            connection, verb, "request-id-unsampled", [new("x-request-id", RequestId), new("X-B3-Sampled", "0")], calls: 2);
        Assert.Equal([RequestId, RequestId], exchange.Calls.Select(call => call.One("x-request-id")));
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task RequestId_ThatIsNotAscii_NeitherLeavesNorBreaksTheCall(string verb)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(
            connection, verb, "request-id-non-ascii", [new("x-request-id", RawConnection.Encode("caf\u00e9"))]);
        Assert.Equal(200, exchange.Response.Status);
        var left = Assert.Single(exchange.Calls).One("x-request-id");
        Assert.True(left is null || left.All(char.IsAscii), $"'{left}' left the process.");
    }

    [Theory]
    [InlineData("echo-call")]
    [InlineData("raw-call")]
    public async Task ClientTraceId_IsForwarded(string verb)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, "client-trace-id", [new("x-client-trace-id", "Support-4711")]);
        Assert.Equal("Support-4711", Assert.Single(exchange.Calls).One("x-client-trace-id"));
    }

    [Theory]
    [MemberData(nameof(HopHeaders))]
    public async Task HopHeader_IsNeverForwarded(string verb, string name)
    {
        using var connection = await RawConnection.OpenAsync(wire.Address);
        var exchange = await wire.ExchangeAsync(connection, verb, "hop-header", [new(name, "1")]);
        Assert.Null(Assert.Single(exchange.Calls).One(name));
    }

    private static TheoryData<string, string> Cross(params string[] values)
    {
        var rows = new TheoryData<string, string>();
        foreach (var verb in (string[])["echo-call", "raw-call"])
            foreach (var value in values)
                rows.Add(verb, value);
        return rows;
    }
}
