namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>What becomes of spans when the real Collector and the real Jaeger fail.</summary>
[Collection(BackendSuite.Name)]
public sealed class BackendFaultTests(BackendFaultFixture faults) : IClassFixture<BackendFaultFixture>
{
    // Together they are more than a request over HTTP may have (20 MiB), and two of them more than one over gRPC (4 MiB).
    private const int LargeSpans = 8, LargeBytes = 3 * 1024 * 1024;

    public static TheoryData<string> Formats => new(Enum.GetNames<WireFormat>());

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public Task CollectorAway_WhileSpansAreSent_LosesNone(string format) => AssertNothingLostAsync(Fault.Outage, format);

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public Task ReceiverWithoutMemory_ThatHasSomeLater_GetsEverySpan(string format) => AssertNothingLostAsync(Fault.NoMemory, format);

    [SkippableTheory]
    [MemberData(nameof(Formats))]
    public async Task SpansOfThreeMebibytes_AtOnce_AllArrive(string format)
    {
        BackendFixture.Require();
        Assert.Equal(LargeSpans, await faults.SendLargeSpansAsync(Enum.Parse<WireFormat>(format), LargeSpans, LargeBytes));
    }

    private async Task AssertNothingLostAsync(Fault fault, string format)
    {
        BackendFixture.Require();
        var (sent, arrived) = await faults.WaitForRequestsAsync(fault, Enum.Parse<WireFormat>(format));
        Assert.Equal(sent, arrived);
    }
}
