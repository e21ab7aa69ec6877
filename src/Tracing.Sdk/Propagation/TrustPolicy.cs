using System.Net;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>Decides the trust in a caller: by the first rule that matches, else by the default.</summary>
/// <remarks>A rule by identity that meets an unreadable header decides for the least trust that any rule or the default gives, so a forged header never gets more than an
/// honest one. The rules rely on the proxy that sets these headers: an Envoy at the edge strips what callers send.</remarks>
internal sealed class TrustPolicy
{
    private readonly TraceTrust _default;
    private readonly TraceTrust _least;
    private readonly TrustRule[] _rules;
    private readonly string _internalHeader;
    private readonly string _externalHeader;

    public TrustPolicy(TraceTrust @default, IEnumerable<TrustRule> rules, string envoyPrefix)
    {
        _default = @default;
        _internalHeader = envoyPrefix + "-internal";
        _externalHeader = envoyPrefix + "-external-address";
        _rules = [.. rules];
        // Each member of the enumeration trusts less than the one before.
        _least = _rules.Aggregate(@default, (least, rule) => rule.Trust > least ? rule.Trust : least);
        IsTrivial = _rules.Length == 0 && @default == TraceTrust.Trust;
        NeedsAddress = Array.Exists(_rules, r => r.Kind == TrustRule.CallerKind.Network);
    }

    /// <summary>Whether every caller is trusted.</summary>
    public bool IsTrivial { get; }

    /// <summary>Whether a rule needs the peer's address, which the headers do not tell.</summary>
    public bool NeedsAddress { get; }

    public TraceTrust Decide<TReader>(in TReader headers, IPAddress? peer) where TReader : struct, IHeaderReader
    {
        if (peer is { IsIPv4MappedToIPv6: true }) peer = peer.MapToIPv4();
        ReadOnlySpan<char> identity = default;
        var isIdentityRead = false;
        foreach (var rule in _rules)
        {
            if (rule.Kind == TrustRule.CallerKind.Spiffe && !isIdentityRead)
            {
                if (!ForwardedClientCert.TryReadPeer(headers.Get(ForwardedClientCert.HeaderName), out identity)) return _least;
                isIdentityRead = true;
            }

            var matches = rule.Kind switch
            {
                TrustRule.CallerKind.Network => peer is not null && rule.Network.Contains(peer),
                TrustRule.CallerKind.Internal => headers.Get(_internalHeader) is ["true"],
                TrustRule.CallerKind.External => headers.Get(_externalHeader).Count > 0,
                _ => rule.MatchesIdentity(identity),
            };
            if (matches) return rule.Trust;
        }

        return _default;
    }
}
