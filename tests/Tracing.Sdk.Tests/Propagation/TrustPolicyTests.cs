using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

public sealed class TrustPolicyTests
{
    [Theory]
    [InlineData("")]
    [InlineData("Restart")]
    [InlineData("external")]
    [InlineData("Restart external internal")]
    [InlineData("Believe external")]
    [InlineData("1 external")]
    [InlineData("-1 external")]
    [InlineData("+1 external")]
    [InlineData("Trust,Restart external")]
    [InlineData("Restart everybody")]
    [InlineData("Restart 10.0.0.0/33")]
    [InlineData("Restart https://cluster.local/ns/shop/*")]
    public void Rule_IsNone_IsRefused(string rule) =>
        Assert.Throws<FormatException>(() => TrustRule.Parse(rule));

    [Theory]
    [InlineData("restart EXTERNAL")]
    [InlineData("TrustIdsOnly 2001:db8::/32")]
    [InlineData("Trust spiffe://cluster.local/ns/shop/*")]
    public void Rule_InAnyLetterCase_IsTaken(string rule) =>
        Assert.False(new TrustPolicy(TraceTrust.Trust, [TrustRule.Parse(rule)], "x-envoy").IsTrivial);
}
