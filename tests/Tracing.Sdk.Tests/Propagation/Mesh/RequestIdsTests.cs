using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Tests.Propagation.Mesh;

public sealed class RequestIdsTests
{
    [Fact]
    public void ForTrace_Unsampled_IsAUuidOfVersion4()
    {
        var id = RequestIds.ForTrace(Some.TraceId, sampled: false);

        Assert.True(Guid.TryParseExact(id, "D", out var uuid));
        Assert.Equal(4, uuid.Version);
        Assert.InRange(uuid.Variant, 8, 11);
        Assert.Equal(id.ToLowerInvariant(), id);
    }

    [Fact]
    public void ForTrace_Sampled_SaysSoInThe15thCharacter()
    {
        var unsampled = RequestIds.ForTrace(Some.TraceId, sampled: false);

        Assert.Equal($"{unsampled[..14]}9{unsampled[15..]}", RequestIds.ForTrace(Some.TraceId, sampled: true));
    }

    // Envoy takes every percentage from the first eight digits: ids that begin alike must not share one.
    [Fact]
    public void ForTrace_IdsThatBeginWithOneClock_SpreadOverAllPercentages()
    {
        var percents = Enumerable.Range(0, 2_000)
            .Select(i => RequestIds.ForTrace($"65f0c1a2{i:x8}{(ulong)i * 0x9E3779B97F4A7C15:x16}", sampled: true))
            .Select(id => Convert.ToUInt32(id[..8], 16) % 100)
            .Distinct();

        Assert.Equal(100, percents.Count());
    }

    [Theory]
    [InlineData("4f3c1c2e-9d1b-9c8e-9a44-0a1b2c3d4e5f")]
    [InlineData("MY-ID_of.1999")]
    [InlineData(" ")]
    public void Extract_RequestIdOfAnyShape_IsKeptByteForByte(string id) =>
        Assert.Equal(id, Some.Extract(new Carrier { { "X-Request-Id", id } }).RequestId);

    [Theory]
    [InlineData("")]
    [InlineData("a\r\nx-evil: 1")]
    [InlineData("\u00e9")]
    public void Extract_RequestIdThatCannotBeSent_IsNone(string id) =>
        Assert.Null(Some.Extract(new Carrier { { "x-request-id", id } }).RequestId);

    [Theory]
    [InlineData("7f0cd1e2-3a4b-4c5d-8e6f-112233445566")]
    [InlineData("7f0cd1e2-3a4b-9c5d-8e6f-112233445566")]
    [InlineData("7f0cd1e2-3a4b-ac5d-8e6f-112233445566")]
    [InlineData("7F0CD1E2-3A4B-BC5D-8E6F-112233445566")]
    public void WithDecision_AnyUuid_ChangesItsFifteenthCharacterOnly(string id)
    {
        Assert.True(RequestIds.IsUuid(id));
        Assert.Equal($"{id[..14]}9{id[15..]}", RequestIds.WithDecision(id, sampled: true));
        Assert.Equal($"{id[..14]}4{id[15..]}", RequestIds.WithDecision(id, sampled: false));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("abc")]
    [InlineData("7f0cd1e23a4b4c5d8e6f112233445566")]
    [InlineData("{7f0cd1e2-3a4b-4c5d-8e6f-112233445566}")]
    [InlineData("zf0cd1e2-3a4b-4c5d-8e6f-112233445566")]
    [InlineData(" 7f0cd1e2-3a4b-4c5d-8e6f-112233445566")]
    public void IsUuid_AnythingElse_IsNone(string? id) => Assert.False(RequestIds.IsUuid(id));

    [Fact]
    public void Extract_HeadersToPassThrough_AreKeptAsTheyCame()
    {
        var settings = new PropagationSettings { PassThrough = ["x-client-trace-id", "x-cloud-trace-context", "sw8", "x-bad"] };
        var headers = new Carrier { { "X-Client-Trace-Id", "C" }, { "sw8", "1" }, { "sw8", "2" }, { "x-bad", "\r\n" }, { "x-other", "3" } };

        Assert.Equal([new("x-client-trace-id", "C"), new("sw8", new(["1", "2"]))], Some.Extract(headers, settings).PassThrough!);
    }

    [Fact]
    public void Extract_ForwardOnly_KeepsEverythingAndUnderstandsNothing()
    {
        var headers = new Carrier { { "traceparent", "anything" }, { "b3", "0" }, { "X-B3-Flags", "1" }, { "baggage", "a=1" }, { "x-request-id", "R" } };
        var remote = Some.Extract(headers, PropagationSettings.ForwardOnly(["sw8"]));

        Assert.False(remote.Ids.HasIds);
        Assert.Equal(SamplingState.Defer, remote.Ids.State);
        Assert.Equal(["traceparent=anything", "b3=0", "X-B3-Flags=1", "baggage=a=1", "x-request-id=R"], remote.PassThrough!.Select(h => $"{h.Key}={h.Value}"));
    }
}
