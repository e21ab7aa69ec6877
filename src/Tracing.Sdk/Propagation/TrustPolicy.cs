using System.Net;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

// rule   = ( "Trust" / "TrustIdsOnly" / "Restart" ) SP caller
// caller = network       10.0.0.0/8: the peer's address
//        / "internal"    x-envoy-internal: true
//        / "external"    x-envoy-external-address is present: Envoy's edge listener received the request from outside
//        / spiffe-uri    spiffe://cluster.local/ns/shop/*: the last element's URI in x-forwarded-client-cert; * at the end stands for any rest
// The first rule that matches decides; without one the service's default does. A rule by identity that meets an unreadable header gives
// the least trust of all rules and the default, so that a forged header never gets more trust than a genuine one.
// The rules rely on the proxy that sets these headers: an Envoy at the edge removes them from requests of strangers.
internal sealed class TrustPolicy
{
    private readonly TraceTrust _default;
    private readonly TraceTrust _least;
    private readonly List<Rule> _rules = [];
    private readonly string _internalHeader;
    private readonly string _externalHeader;

    /// <exception cref="FormatException">A rule is malformed.</exception>
    public TrustPolicy(TraceTrust @default, IEnumerable<string> rules, string envoyPrefix)
    {
        _default = @default;
        _internalHeader = envoyPrefix + "-internal";
        _externalHeader = envoyPrefix + "-external-address";
        foreach (var rule in rules) _rules.Add(Rule.Parse(rule));
        // Each member of the enumeration trusts less than the one before.
        _least = _rules.Aggregate(@default, (least, rule) => rule.Trust > least ? rule.Trust : least);
        IsTrivial = _rules.Count == 0 && @default == TraceTrust.Trust;
        NeedsAddress = _rules.Exists(r => r.Network is not null);
    }

    /// <summary>Whether every caller is trusted.</summary>
    public bool IsTrivial { get; }

    /// <summary>Whether a rule needs the peer's address.</summary>
    public bool NeedsAddress { get; }

    public TraceTrust Decide<TReader>(in TReader headers, IPAddress? peer)
        where TReader : struct, IHeaderReader
    {
        if (peer is { IsIPv4MappedToIPv6: true }) peer = peer.MapToIPv4();
        ReadOnlySpan<char> identity = default;
        var isIdentityRead = false;
        foreach (var rule in _rules)
        {
            if (rule.Kind == RuleKind.Spiffe && !isIdentityRead)
            {
                if (!ForwardedClientCert.TryReadPeer(headers.Get(ForwardedClientCert.HeaderName), out identity)) return _least;
                isIdentityRead = true;
            }

            var fits = rule.Kind switch
            {
                RuleKind.Network => peer is not null && rule.Network!.Value.Contains(peer),
                RuleKind.Internal => headers.Get(_internalHeader) is ["true"],
                RuleKind.External => headers.Get(_externalHeader).Count > 0,
                _ => rule.FitsSpiffe(identity),
            };
            if (fits) return rule.Trust;
        }

        return _default;
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
            var (trust, caller) = (Enum.Parse<TraceTrust>(name), words[1]);
            if (caller.Equals("internal", StringComparison.OrdinalIgnoreCase)) return new Rule(trust, RuleKind.Internal, null, "");
            if (caller.Equals("external", StringComparison.OrdinalIgnoreCase)) return new Rule(trust, RuleKind.External, null, "");
            if (caller.StartsWith("spiffe://", StringComparison.Ordinal)) return new Rule(trust, RuleKind.Spiffe, null, caller);
            return IPNetwork.TryParse(caller, out var network) ? new Rule(trust, RuleKind.Network, network, "") : throw new FormatException();
        }

        public bool FitsSpiffe(ReadOnlySpan<char> uri) =>
            !uri.IsEmpty && (Spiffe.EndsWith('*') ? uri.StartsWith(Spiffe.AsSpan(0, Spiffe.Length - 1)) : uri.SequenceEqual(Spiffe));
    }
}
