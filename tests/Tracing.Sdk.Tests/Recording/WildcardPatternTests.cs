using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Paths of requests and calls that settings name.</summary>
public sealed class WildcardPatternTests
{
    [Theory]
    [InlineData("/metrics", "/metrics", true)]
    [InlineData("/metrics", "/Metrics", true)]
    [InlineData("/metrics", "/metrics/", false)]
    [InlineData("/metrics", "/metric", false)]
    [InlineData("/metrics", "", false)]
    [InlineData("/static/*", "/static/a/b.js", true)]
    [InlineData("/static/*", "/STATIC/", true)]
    [InlineData("/static/*", "/static", false)]
    [InlineData("*", "/anything", true)]
    [InlineData("*", "", true)]
    [InlineData("*/health", "/a/b/health", true)]
    [InlineData("*/health", "/a/health/b", false)]
    [InlineData("/v*/orders/*/items", "/v1/orders/7/items", true)]
    [InlineData("/v*/orders/*/items", "/v1/orders//items", true)]
    [InlineData("/v*/orders/*/items", "/v1/orders/items", false)]
    [InlineData("/a*a*a", "/aaa", true)]
    [InlineData("/a*a*a", "/aa", false)]
    [InlineData("/a*bc", "/abcbc", true)]
    [InlineData("/a**b", "/ab", true)]
    [InlineData("/straße*x", "/STRAßE-x", true)]
    public void Matches_Path_FollowsThePattern(string pattern, string path, bool expected) => Assert.Equal(expected, new WildcardPattern(pattern).Matches(path));

    // With a backtracking match this would not end.
    [Fact]
    public void Matches_HostilePath_Ends() => Assert.False(new WildcardPattern("/" + string.Concat(Enumerable.Repeat("a*", 40)) + "b").Matches("/" + new string('a', 8000)));

    [Theory]
    [InlineData("/metrics", true)]
    [InlineData("*", true)]
    [InlineData("*/health", true)]
    [InlineData("metrics", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("/a b", false)]
    [InlineData("/a?b", false)]
    [InlineData("/a#b", false)]
    public void IsPathPattern_Text_BeginsWithASlashOrAnAsterisk(string? text, bool expected) => Assert.Equal(expected, WildcardPattern.IsPathPattern(text));
}
