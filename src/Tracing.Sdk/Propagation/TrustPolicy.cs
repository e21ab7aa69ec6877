using System.Net;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

// rule = ( "Trust" / "TrustIdsOnly" / "Restart" ) SP who
// who  = network          10.0.0.0/8: the peer's address
//      / "internal"       x-envoy-internal: true
//      / "external"       x-envoy-external-address is there: Envoy's edge listener took the request from outside
//      / spiffe-uri       spiffe://cluster.local/ns/shop/*: the last element's URI in x-forwarded-client-cert; * at the end stands for any rest
// The first rule that fits decides; without one the service's default does.
// The headers are worth what the proxy is worth that sets them: an Envoy that faces strangers strips what they send.
internal sealed class TrustPolicy
{
    private readonly TraceTrust _default;
    private readonly List<Rule> _rules = [];
    private readonly string _internalHeader;
    private readonly string _externalHeader;

    /// <exception cref="FormatException">A rule is no rule.</exception>
    public TrustPolicy(TraceTrust @default, IEnumerable<string> rules, string envoyPrefix)
    {
        _default = @default;
        _internalHeader = envoyPrefix + "-internal";
        _externalHeader = envoyPrefix + "-external-address";
        foreach (var rule in rules) _rules.Add(Rule.Parse(rule));
        IsTrivial = _rules.Count == 0 && @default == TraceTrust.Trust;
        NeedsAddress = _rules.Exists(r => r.Network is not null);
    }

    /// <summary>Everybody is trusted.</summary>
    public bool IsTrivial { get; }

    /// <summary>The headers alone do not tell: a rule asks for the peer's address.</summary>
    public bool NeedsAddress { get; }

    public TraceTrust Decide<TReader>(in TReader headers, IPAddress? peer)
        where TReader : struct, IHeaderReader
    {
        if (peer is { IsIPv4MappedToIPv6: true }) peer = peer.MapToIPv4();
        foreach (var rule in _rules)
        {
            var fits = rule.Kind switch
            {
                RuleKind.Network => peer is not null && rule.Network!.Value.Contains(peer),
                RuleKind.Internal => headers.Get(_internalHeader) is ["true"],
                RuleKind.External => headers.Get(_externalHeader).Count > 0,
                _ => rule.FitsSpiffe(PeerUri(headers.Get("x-forwarded-client-cert"))),
            };
            if (fits) return rule.Trust;
        }

        return _default;
    }

    // x-forwarded-client-cert: elements joined by commas, the nearest peer last; pairs joined by semicolons; values may be quoted.
    // By=spiffe://...;Hash=...;Subject="...";URI=spiffe://...
    private static ReadOnlySpan<char> PeerUri(StringValues header)
    {
        if (header.Count == 0) return default;
        var element = header[^1].AsSpan();
        var quoted = false;
        for (var i = element.Length - 1; i >= 0; i--)
        {
            if (element[i] == '"') quoted = !quoted;
            else if (element[i] == ',' && !quoted)
            {
                element = element[(i + 1)..];
                break;
            }
        }

        while (!element.IsEmpty)
        {
            var end = IndexOfUnquoted(element, ';');
            var pair = HeaderText.Trim(end < 0 ? element : element[..end]);
            if (pair.StartsWith("URI=", StringComparison.OrdinalIgnoreCase)) return pair[4..].Trim('"');
            element = end < 0 ? default : element[(end + 1)..];
        }

        return default;
    }

    private static int IndexOfUnquoted(ReadOnlySpan<char> text, char wanted)
    {
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"') quoted = !quoted;
            else if (text[i] == wanted && !quoted) return i;
        }

        return -1;
    }

    private enum RuleKind
    {
        Network,
        Internal,
        External,
        Spiffe,
    }

    private sealed record Rule(TraceTrust Trust, RuleKind Kind, IPNetwork? Network, string Spiffe)
    {
        public static Rule Parse(string text)
        {
            var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length != 2) throw new FormatException();
            // By name only: Enum.Parse also takes numbers, and lists of names.
            var name = Array.Find(Enum.GetNames<TraceTrust>(), n => n.Equals(words[0], StringComparison.OrdinalIgnoreCase)) ?? throw new FormatException();
            var (trust, who) = (Enum.Parse<TraceTrust>(name), words[1]);
            if (who.Equals("internal", StringComparison.OrdinalIgnoreCase)) return new Rule(trust, RuleKind.Internal, null, "");
            if (who.Equals("external", StringComparison.OrdinalIgnoreCase)) return new Rule(trust, RuleKind.External, null, "");
            if (who.StartsWith("spiffe://", StringComparison.Ordinal)) return new Rule(trust, RuleKind.Spiffe, null, who);
            return IPNetwork.TryParse(who, out var network) ? new Rule(trust, RuleKind.Network, network, "") : throw new FormatException();
        }

        public bool FitsSpiffe(ReadOnlySpan<char> uri) =>
            !uri.IsEmpty && (Spiffe.EndsWith('*') ? uri.StartsWith(Spiffe.AsSpan(0, Spiffe.Length - 1)) : uri.SequenceEqual(Spiffe));
    }
}
