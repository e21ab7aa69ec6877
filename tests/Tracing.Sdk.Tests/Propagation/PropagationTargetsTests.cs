using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

public sealed class PropagationTargetsTests
{
    [Theory]
    // Names of one label, and the suffixes of a mesh.
    [InlineData("zipkin", true)]
    [InlineData("LOCALHOST", true)]
    [InlineData("my_service", true)]
    [InlineData("data-service.default.svc", true)]
    [InlineData("data-service.default.svc.cluster.local", true)]
    [InlineData("data-service.default.SVC.Cluster.Local.", true)]
    [InlineData("printer.local", true)]
    [InlineData("metadata.google.internal", true)]
    [InlineData("app.localhost", true)]
    // The world, and what dresses up as the inside.
    [InlineData("example.com", false)]
    [InlineData("svc.example.com", false)]
    [InlineData("cluster.local.example.com", false)]
    [InlineData("evil-svc.com", false)]
    [InlineData("a.notlocal", false)]
    [InlineData("a.localx", false)]
    [InlineData("localhost.example.com", false)]
    [InlineData("10.0.0.1.example.com", false)]
    [InlineData("", false)]
    [InlineData(".", false)]
    // Addresses.
    [InlineData("127.0.0.1", true)]
    [InlineData("127.255.255.254", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.16.0.1", true)]
    [InlineData("172.31.255.255", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("172.15.255.255", false)]
    [InlineData("192.168.1.1", true)]
    [InlineData("192.169.1.1", false)]
    [InlineData("169.254.169.254", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("100.128.0.1", false)]
    [InlineData("8.8.8.8", false)]
    [InlineData("[::1]", true)]
    [InlineData("::1", true)]
    [InlineData("[fd00::1]", true)]
    [InlineData("[fe80::1%2]", true)]
    [InlineData("[2001:4860:4860::8888]", false)]
    [InlineData("[::ffff:10.0.0.1]", true)]
    [InlineData("[::ffff:8.8.8.8]", false)]
    public void Allows_ByDefault_WhatLooksLikeTheInsideOfAMesh(string host, bool expected) =>
        Assert.Equal(expected, new PropagationTargets([], []).Allows(host));

    [Theory]
    [InlineData("api.example.com", "api.example.com", true)]
    [InlineData("API.Example.COM", "api.example.com", true)]
    [InlineData("api.example.com.", "api.example.com", true)]
    [InlineData("api.example.com", "api.example.com.", true)]
    [InlineData("api.example.com", " api.example.com ", true)]
    [InlineData("xapi.example.com", "api.example.com", false)]
    [InlineData("api.example.com", "*.example.com", true)]
    [InlineData("a.b.example.com", "*.example.com", true)]
    [InlineData("example.com", "*.example.com", false)]
    [InlineData("badexample.com", "*.example.com", false)]
    [InlineData("example.com.evil.org", "*.example.com", false)]
    [InlineData("8.8.8.8", "8.8.8.0/24", true)]
    [InlineData("8.8.9.8", "8.8.8.0/24", false)]
    [InlineData("8.8.8.1", "8.8.8.8/24", true)]
    [InlineData("8.8.8.8", "8.8.8.8", true)]
    [InlineData("[2001:db8::1]", "2001:db8::/32", true)]
    [InlineData("[2001:db8::1]", "[2001:db8::1]", true)]
    [InlineData("[::ffff:8.8.8.8]", "8.8.8.8", true)]
    // A network is no suffix of a name.
    [InlineData("8.8.8.8.example.com", "8.8.8.8", false)]
    [InlineData("anything.example.com", "*", true)]
    [InlineData("8.8.8.8", "*", true)]
    public void Allows_Pattern_WidensToWhatItNames(string host, string pattern, bool expected)
    {
        Assert.False(new PropagationTargets([], []).Allows(host));
        Assert.Equal(expected, new PropagationTargets([pattern], []).Allows(host));
    }

    [Theory]
    [InlineData("vault", "vault")]
    [InlineData("a.default.svc", "*.default.svc")]
    [InlineData("10.1.2.3", "10.1.0.0/16")]
    [InlineData("127.0.0.1", "*")]
    public void Allows_Denied_WhateverElseSaysSo(string host, string pattern)
    {
        Assert.True(new PropagationTargets([], []).Allows(host));
        Assert.False(new PropagationTargets(["*"], [pattern]).Allows(host));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("*.")]
    [InlineData("**")]
    [InlineData("*example.com")]
    [InlineData("api.*.com")]
    [InlineData("https://example.com")]
    [InlineData("example.com:8080")]
    [InlineData("example.com/path")]
    [InlineData("10.0.0.0/33")]
    [InlineData("exa mple.com")]
    [InlineData("exam\r\nple.com")]
    [InlineData("(a+)+$")]
    public void Constructor_HostilePattern_NamesItAndWhatIsAllowed(string pattern)
    {
        var error = Assert.Throws<FormatException>(() => new PropagationTargets([pattern], []));

        Assert.Contains($"\"{pattern}\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("*.example.com", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Allows_RefusedHost_IsReportedOnce()
    {
        var refused = new List<string>();
        var targets = new PropagationTargets([], [], refused.Add);

        targets.Allows("example.com");
        targets.Allows("EXAMPLE.com");
        targets.Allows("inside.svc");
        Assert.Equal(["example.com"], refused);
    }

    [Fact]
    public void Allows_MoreHostsThanAreRemembered_StillAnswersRight()
    {
        var refused = new List<string>();
        var targets = new PropagationTargets([], [], refused.Add);
        for (var i = 0; i < 2_000; i++) Assert.False(targets.Allows($"h{i}.example.com"));

        Assert.False(targets.Allows("one-more.example.com"));
        Assert.DoesNotContain("one-more.example.com", refused);
        Assert.True(targets.Allows("one-more.svc"));
    }
}
