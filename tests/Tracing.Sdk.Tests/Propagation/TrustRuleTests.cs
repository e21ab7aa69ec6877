using System.Net;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

public sealed class TrustRuleTests
{
    [Theory]
    [InlineData("Restart external", TraceTrust.Restart, "external")]
    [InlineData("trust INTERNAL", TraceTrust.Trust, "internal")]
    [InlineData("  TrustIdsOnly   10.0.0.0/8 ", TraceTrust.TrustIdsOnly, "10.0.0.0/8")]
    [InlineData("Restart 10.1.2.3", TraceTrust.Restart, "10.1.2.3")]
    [InlineData("Restart 2001:db8::1", TraceTrust.Restart, "2001:db8::1")]
    [InlineData("Trust spiffe://cluster.local/ns/shop/*", TraceTrust.Trust, "spiffe://cluster.local/ns/shop/*")]
    public void Parse_Rule_ComesBackAsText(string text, TraceTrust trust, string caller)
    {
        var rule = TrustRule.Parse(text);

        Assert.Equal((trust, caller, $"{trust} {caller}"), (rule.Trust, rule.Caller, rule.ToString()));
        Assert.Equal(rule, TrustRule.Parse(rule.ToString()));
        Assert.True(TrustRule.TryParse(text.AsSpan(), null, out var same));
        Assert.Equal(rule, same);
    }

    [Theory]
    [InlineData("Restart", "\"Restart\" must be two words, a trust level and a caller, such as Restart external")]
    [InlineData("Restart external internal", "\"Restart external internal\" must be two words, a trust level and a caller, such as Restart external")]
    [InlineData("Believe external", "\"Believe\" in \"Believe external\" is no trust level: write Trust, TrustIdsOnly or Restart")]
    [InlineData("1 external", "\"1\" in \"1 external\" is no trust level: write Trust, TrustIdsOnly or Restart")]
    [InlineData("Restart 10.0.0.0/33", "\"10.0.0.0/33\" in \"Restart 10.0.0.0/33\" is no network: its prefix must be a number of bits, from 0 to 32")]
    [InlineData("Restart 2001:db8::/x", "\"2001:db8::/x\" in \"Restart 2001:db8::/x\" is no network: its prefix must be a number of bits, from 0 to 128")]
    [InlineData("Restart everybody", "\"everybody\" in \"Restart everybody\" is no caller: write internal, external, an address or network such as 10.0.0.0/8, or an identity such as spiffe://cluster.local/ns/shop/*")]
    public void Parse_NoRule_SaysWhichWordIsWrong(string text, string message)
    {
        Assert.Equal(message, Assert.Throws<FormatException>(() => TrustRule.Parse(text)).Message);
        Assert.False(TrustRule.TryParse(text, null, out var rule));
        Assert.Null(rule);
    }

    [Theory]
    [InlineData("10.1.2.3", TraceTrust.Restart)]
    [InlineData("::ffff:10.1.2.3", TraceTrust.Restart)]
    [InlineData("10.1.2.4", TraceTrust.Trust)]
    public void Decide_RuleWithABareAddress_MatchesThatPeerOnly(string peer, TraceTrust expected) => Assert.Equal(
        expected,
        new TrustPolicy(TraceTrust.Trust, [TrustRule.Parse("Restart 10.1.2.3")], "x-envoy")
            .Decide(new DictionaryReader(new Dictionary<string, StringValues>()), IPAddress.Parse(peer)));
}
