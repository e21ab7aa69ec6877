using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Propagation.Mesh;

public sealed partial class ForwardedClientCertTests
{
    private const string Hash = "Hash=3d5fe9b7b42d9229f0438e4815cbfb8af11de7ce57b43f737ed5ca47bc28af09";
    private const string By = "By=spiffe://a/ns/shop/sa/api";

    // Written by Envoy 1.40.0 for certificates that were made for it.
    [Theory]
    [InlineData($"{By};{Hash};Subject=\"CN=web\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=x\\\"\\;URI=spiffe://cluster.local/ns/shop/sa/web\\;Y=\\\"\";URI=spiffe://cluster.local/ns/evil/sa/x", "spiffe://cluster.local/ns/evil/sa/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=5\\\" pipe\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=a\\\\b\\\\\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=a\\\\\\\"\\;URI=spiffe://forged\\;Z=\\\"\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=a\\,b=c\\;d\\+e\\<f\\>#g\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=M\\C3\\BCller \\E2\\82\\AC\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Cert=\"-----BEGIN%20CERTIFICATE-----%0A\";Subject=\"\";URI=spiffe://c/x;DNS=a.b;DNS=c.d", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=web\";URI=spiffe://evil/a=b", "spiffe://evil/a=b")]
    [InlineData($"{By};{Hash};Subject=\"CN=web\";URI=spiffe://evil/a\\", "spiffe://evil/a\\")]
    [InlineData($"By=spiffe://g;URI=spiffe://a\\,{By};{Hash};Subject=\"CN=web\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"By=spiffe://g;URI=spiffe://a;URI=spiffe://b,{By};{Hash};Subject=\"CN=web\";URI=spiffe://c/x", "spiffe://c/x")]
    [InlineData($"{By};{Hash};Subject=\"CN=web\";URI=", "")]
    [InlineData($"{By};{Hash};Subject=\"CN=web\"", "")]
    public void TryReadPeer_WrittenByEnvoy_IsTheLastElementsOwn(string header, string expected)
    {
        Assert.True(ForwardedClientCert.TryReadPeer(header, out var uri));
        Assert.Equal(expected, uri.ToString());
    }

    [Theory]
    [InlineData("URI=\"spiffe://c/a,b;c=d\"", "spiffe://c/a,b;c=d")]
    [InlineData("URI=\"spiffe://c/\\\"a\\\\b\"", "spiffe://c/\"a\\b")]
    [InlineData("Hash=a ; uri=\"spiffe://c/x\" , Hash=b; URI=\"spiffe://c/y\" ", "spiffe://c/y")]
    [InlineData("", "")]
    [InlineData(" \t", "")]
    public void TryReadPeer_WrittenAsDocumented_IsUnquoted(string header, string expected)
    {
        Assert.True(ForwardedClientCert.TryReadPeer(header, out var uri));
        Assert.Equal(expected, uri.ToString());
    }

    [Theory]
    [InlineData("URI=spiffe://c/x;URI=spiffe://c/y")]
    [InlineData("URI=spiffe://c/x;DNS=a;URI=spiffe://c/y")]
    [InlineData("URI=spiffe://evil/a\";URI=spiffe://x\"")]
    [InlineData("URI=spiffe://c/x\"")]
    [InlineData("URI=\"spiffe://c/x")]
    [InlineData("URI=\"spiffe://c/x\\")]
    [InlineData("URI=\"spiffe://c/x\\\"")]
    [InlineData("URI=\"spiffe://c/x\"y")]
    [InlineData("Subject=\"CN=a\"\";URI=spiffe://c/x")]
    [InlineData("Subject=\"unbalanced,By=spiffe://a;Hash=b;Subject=\"CN=web\";URI=spiffe://c/x")]
    [InlineData("DNS=\"x,By=spiffe://a;Subject=\"\";URI=spiffe://c/x")]
    [InlineData("URI=spiffe://c/x,")]
    [InlineData("URI=spiffe://c/x;")]
    [InlineData(",URI=spiffe://c/x")]
    [InlineData(";URI=spiffe://c/x")]
    [InlineData("URI=spiffe://c/x,,URI=spiffe://c/x")]
    [InlineData("garbage")]
    [InlineData("garbage,URI=spiffe://c/x")]
    [InlineData("URI=spiffe://c/x,garbage")]
    [InlineData("=a;URI=spiffe://c/x")]
    [InlineData("U RI=a;URI=spiffe://c/x")]
    [InlineData("{\"uri\":[\"spiffe://c/x\"]}")]
    [InlineData("\"URI=spiffe://c/x\"")]
    public void TryReadPeer_NoSuchList_IsUnreadable(string header)
    {
        Assert.False(ForwardedClientCert.TryReadPeer(header, out _));
    }

    [Fact]
    public void TryReadPeer_SeveralFields_AreOneList()
    {
        Assert.True(ForwardedClientCert.TryReadPeer(new StringValues(["URI=spiffe://c/x", "Hash=a;URI=spiffe://c/y"]), out var uri));
        Assert.Equal("spiffe://c/y", uri.ToString());
        Assert.True(ForwardedClientCert.TryReadPeer(new StringValues(["URI=spiffe://c/x", "Hash=a"]), out uri));
        Assert.Equal("", uri.ToString());
        Assert.False(ForwardedClientCert.TryReadPeer(new StringValues(["Subject=\"a", "b\";URI=spiffe://c/y"]), out _));
        Assert.False(ForwardedClientCert.TryReadPeer(new StringValues(["garbage", "URI=spiffe://c/y"]), out _));
        Assert.False(ForwardedClientCert.TryReadPeer(new StringValues(["URI=spiffe://c/y", ""]), out _));
        Assert.True(ForwardedClientCert.TryReadPeer(default, out uri));
        Assert.Equal("", uri.ToString());
    }

    [Fact]
    public void TryReadPeer_TooLong_IsUnreadable()
    {
        var longest = "Hash=" + new string('a', ForwardedClientCert.MaxLength - 5);

        Assert.True(ForwardedClientCert.TryReadPeer(longest, out _));
        Assert.False(ForwardedClientCert.TryReadPeer(longest + "a", out _));
        Assert.False(ForwardedClientCert.TryReadPeer(new StringValues([longest, "URI=spiffe://c/x"]), out _));
    }

    [Property(MaxTest = 5_000)]
    public void TryReadPeer_WhateverEnvoyCanWrite_ComesBackAsItWas(int seed)
    {
        var random = new Random(seed);
        var elements = Enumerable.Range(0, random.Next(1, 5)).Select(_ => Element(random)).ToArray();
        var cut = random.Next(elements.Length);

        AssertReads(string.Join(',', elements.Select(e => e.Text)));
        if (cut > 0) AssertReads(new StringValues([string.Join(',', elements[..cut].Select(e => e.Text)), string.Join(',', elements[cut..].Select(e => e.Text))]));

        void AssertReads(StringValues header)
        {
            Assert.True(ForwardedClientCert.TryReadPeer(header, out var uri), header.ToString());
            Assert.Equal(elements[^1].Uri, uri.ToString());
        }
    }

    // Damaged here and there: the peer is what an independent reader finds, and where that finds none the worst that any rule says holds.
    [Property(MaxTest = 20_000)]
    public void Decide_DamagedHeader_NeverThrowsAndNeverTrustsMoreThanThePeer(int seed)
    {
        var random = new Random(seed);
        var header = new System.Text.StringBuilder(string.Join(',', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Element(random).Text)));
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(header.Length);
            if (random.Next(3) == 0) header.Remove(at, 1);
            else if (random.Next(2) == 0) header[at] = "\";\\,= Ua"[random.Next(8)];
            else header.Insert(at, "\";\\,= Ua"[random.Next(8)]);
        }

        var text = header.ToString();
        var expected = PeerByRegex(text) switch
        {
            null => TraceTrust.Restart,
            var uri when uri.StartsWith("spiffe://half/", StringComparison.Ordinal) => TraceTrust.TrustIdsOnly,
            var uri when uri.StartsWith("spiffe://evil/", StringComparison.Ordinal) => TraceTrust.Restart,
            _ => TraceTrust.Trust,
        };
        Assert.Equal(expected, Decide(text, "Trust spiffe://trusted/*", "TrustIdsOnly spiffe://half/*", "Restart spiffe://evil/*"));
    }

    [Property(MaxTest = 5_000)]
    public void Decide_AnyText_NeverThrows(string? text, string? more)
    {
        _ = Decide(text ?? "", "Restart spiffe://evil/*");
        _ = ForwardedClientCert.TryReadPeer(new StringValues([text, more]), out _);
    }

    [Fact]
    public void TryReadPeer_HostileTexts_AllocatesNothingAndEnds()
    {
        foreach (var unit in new[] { "\"", "\\", ",", ";", "=", "a=,", "a=\"\\\"", "URI=;", "a=\"\",", " " })
        {
            var text = string.Concat(Enumerable.Repeat(unit, ForwardedClientCert.MaxLength / unit.Length));
            Assert.Equal(0, Allocations.Of(() => ForwardedClientCert.TryReadPeer(text, out _)));
        }
    }

    private static TraceTrust Decide(string header, params string[] rules) =>
        new TrustPolicy(TraceTrust.Trust, rules.Select(r => TrustRule.Parse(r)), "x-envoy").Decide(
            new DictionaryReader(new Dictionary<string, StringValues> { [ForwardedClientCert.HeaderName] = header }), peer: null);

    // The grammar as a regular expression; null for a text that it does not match, or with two URIs at the end.
    private static string? PeerByRegex(string text)
    {
        if (text.Trim(' ', '\t').Length == 0) return "";
        var match = Grammar().Match(text);
        if (!match.Success) return null;
        var pairs = match.Groups["pair"].Captures;
        var separators = match.Groups["separator"].Captures;
        var first = separators.Reverse().FirstOrDefault(s => s.Value == ",")?.Index ?? -1;
        var uris = pairs.Where(p => p.Index > first && p.Value.StartsWith("URI=", StringComparison.OrdinalIgnoreCase)).Select(p => p.Value[4..]).ToList();
        if (uris.Count > 1) return null;
        var uri = uris.SingleOrDefault() ?? "";
        return uri.StartsWith('"') ? Escape().Replace(uri[1..^1], "$1") : uri;
    }

    [GeneratedRegex("^(?:[ \t]*(?<pair>[A-Za-z0-9_-]+=(?:\"(?:\\\\.|[^\"\\\\])*\"(?=[ \t]*(?:[,;]|$))|[^\",;]*(?=[,;]|$)))[ \t]*(?<separator>[,;](?!$)|$))+$", RegexOptions.Singleline)]
    private static partial Regex Grammar();

    [GeneratedRegex(@"\\(.)", RegexOptions.Singleline)]
    private static partial Regex Escape();

    private static (string Text, string Uri) Element(Random random)
    {
        var pairs = new List<string> { "By=" + Uri(random), Hash };
        if (random.Next(3) == 0) pairs.Add("Cert=\"-----BEGIN%20CERTIFICATE-----%0AMIIB%2Bjc%3D%0A\"");
        if (random.Next(4) > 0) pairs.Add($"Subject=\"{Subject(random)}\"");
        var uri = random.Next(4) == 0 ? "" : Uri(random);
        pairs.Add("URI=" + uri);
        for (var i = random.Next(3); i > 0; i--) pairs.Add($"DNS={"abc"[random.Next(3)]}.example.com");
        return (string.Join(';', pairs), uri);
    }

    private static string Uri(Random random) =>
        $"spiffe://{Of(random, "trusted", "half", "evil")}/{new string([.. Enumerable.Range(0, random.Next(12)).Select(_ => "ab09-._~%/:@=+\\"[random.Next(15)])])}";

    // RFC 2253 as OpenSSL prints it: special characters after a backslash, what is not ASCII in hex.
    private static string Subject(Random random)
    {
        var text = new System.Text.StringBuilder("CN=");
        for (var i = random.Next(24); i > 0; i--)
        {
            var c = Of(random, "a", "B", "7", " ", "=", "URI=spiffe://trusted/x", ",", ";", "+", "\"", "\\", "<", ">", "#", "\u00fc", "\n");
            if (c is "," or ";" or "+" or "\"" or "\\" or "<" or ">") text.Append('\\').Append(c);
            else if (c[0] is < ' ' or > '~') foreach (var b in System.Text.Encoding.UTF8.GetBytes(c)) text.Append('\\').Append(b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
            else text.Append(c);
        }

        return text.ToString();
    }

    private static string Of(Random random, params ReadOnlySpan<string> choices) => choices[random.Next(choices.Length)];
}
