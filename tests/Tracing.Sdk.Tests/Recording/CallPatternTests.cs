using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Calls that settings name.</summary>
public sealed class CallPatternTests
{
    [Theory]
    [InlineData("vault.internal", "http://vault.internal/v1", true)]
    [InlineData("vault.internal", "https://VAULT.internal:8200/", true)]
    [InlineData("vault.internal", "http://other.internal/", false)]
    [InlineData("localhost:8500", "http://localhost:8500/v1", true)]
    [InlineData("localhost:8500", "http://localhost/v1", false)]
    [InlineData("localhost:80", "http://localhost/v1", true)]
    [InlineData("localhost:8500/v1/*", "http://localhost:8500/v1/kv", true)]
    [InlineData("localhost:8500/v1/*", "http://localhost:8500/v2/kv?a=/v1/", false)]
    [InlineData("*.example.com/poll/*", "https://a.example.com/poll/1", true)]
    [InlineData("*.example.com/poll/*", "https://example.com/poll/1", false)]
    [InlineData("*/health", "http://anything/health", true)]
    [InlineData("*/health", "http://anything/health?x=1", true)]
    [InlineData("*", "http://anything/", true)]
    [InlineData("10.0.0.0/8", "http://10.1.2.3/", true)]
    [InlineData("10.0.0.0/8", "http://11.1.2.3/", false)]
    [InlineData("10.0.0.1/poll", "http://10.0.0.1/poll", true)]
    [InlineData("[::1]:8080", "http://[::1]:8080/", true)]
    [InlineData("[::1]:8080/a", "http://[::1]:8080/b", false)]
    [InlineData("fd00::/8", "http://[fd00::1]/", true)]
    [InlineData("10.0.0.1", "http://[::ffff:10.0.0.1]/", true)]
    public void Matches_Uri_FollowsThePattern(string pattern, string uri, bool expected) => Assert.Equal(expected, new CallPattern(pattern).Matches(new Uri(uri)));

    [Theory]
    [InlineData("")]
    [InlineData("/path")]
    [InlineData("http://host/")]
    [InlineData("host:0")]
    [InlineData("host:65536")]
    [InlineData("host:x")]
    [InlineData("host/a b")]
    [InlineData("a*b")]
    public void Constructor_NoPattern_Throws(string text) => Assert.Throws<FormatException>(() => new CallPattern(text));
}
