using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Tracing.Sdk;

/// <summary>A trust level for one kind of caller, in two words: <c>Restart external</c>, <c>TrustIdsOnly 10.0.0.0/8</c>, <c>Trust spiffe://cluster.local/ns/shop/*</c>.</summary>
/// <remarks>
/// The first word is a <see cref="TraceTrust"/>, in any letter case. The second names the callers:
/// <list type="bullet">
/// <item><c>external</c>: x-envoy-external-address is there, so Envoy's edge listener took the request from outside;</item>
/// <item><c>internal</c>: x-envoy-internal is true;</item>
/// <item><c>10.1.2.3</c>, <c>10.0.0.0/8</c>: the peer's address;</item>
/// <item><c>spiffe://cluster.local/ns/shop/*</c>: the URI of the last element in x-forwarded-client-cert, where <c>*</c> at the end matches any rest. It is worth as much as the certificate authority that
/// issued it. A header that cannot be read gets the least trust of all rules and the default.</item>
/// </list>
/// </remarks>
public sealed record TrustRule : ISpanParsable<TrustRule>
{
    private const string Levels = "Trust, TrustIdsOnly or Restart";

    private TrustRule(TraceTrust trust, string caller, CallerKind kind, IPNetwork network = default) =>
        (Trust, Caller, Kind, Network) = (trust, caller, kind, network);

    /// <summary>Trust level of the callers that match.</summary>
    public TraceTrust Trust { get; }

    /// <summary>The callers, as the rule was written.</summary>
    public string Caller { get; }
    internal CallerKind Kind { get; }
    internal IPNetwork Network { get; }

    internal enum CallerKind { Internal, External, Network, Spiffe }

    /// <summary>Reads a rule.</summary>
    /// <param name="s">The text, such as <c>Restart external</c>.</param>
    /// <exception cref="FormatException">The text is no rule; the message says which word is wrong.</exception>
    public static TrustRule Parse(string s)
    {
        ArgumentNullException.ThrowIfNull(s);
        return Read(s, out var rule) is { } fault ? throw new FormatException(fault) : rule!;
    }

    static TrustRule IParsable<TrustRule>.Parse(string s, IFormatProvider? provider) => Parse(s);

    static TrustRule ISpanParsable<TrustRule>.Parse(ReadOnlySpan<char> s, IFormatProvider? provider) => Parse(s.ToString());

    /// <summary>Reads a rule, or returns false.</summary>
    /// <param name="s">The text, such as <c>Restart external</c>.</param>
    /// <param name="provider">Not used.</param>
    /// <param name="result">The rule; null when the text is none.</param>
    /// <returns>Whether the text is a rule.</returns>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out TrustRule result) =>
        Read(s ?? "", out result) is null;

    /// <inheritdoc cref="TryParse(string?, IFormatProvider?, out TrustRule)"/>
    public static bool TryParse(ReadOnlySpan<char> s, IFormatProvider? provider, [MaybeNullWhen(false)] out TrustRule result) =>
        TryParse(s.ToString(), provider, out result);

    /// <summary>The rule in two words, as it is parsed.</summary>
    public override string ToString() => $"{Trust} {Caller}";

    internal bool MatchesIdentity(ReadOnlySpan<char> uri) =>
        !uri.IsEmpty && (Caller.EndsWith('*') ? uri.StartsWith(Caller.AsSpan(0, Caller.Length - 1)) : uri.SequenceEqual(Caller));

    /// <summary>Reads a rule, or says what is wrong with it.</summary>
    internal static string? Read(string text, out TrustRule? rule)
    {
        rule = null;
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length != 2) return $"\"{text}\" must be two words, a trust level and a caller, such as Restart external";
        var (level, caller) = (words[0], words[1]);
        // By name only: Enum.Parse also takes numbers, and lists of names.
        if (Array.Find(Enum.GetNames<TraceTrust>(), n => n.Equals(level, StringComparison.OrdinalIgnoreCase)) is not { } name)
        {
            return $"\"{level}\" in \"{text}\" is no trust level: write {Levels}";
        }

        var trust = Enum.Parse<TraceTrust>(name);
        if (caller.Equals("internal", StringComparison.OrdinalIgnoreCase)) rule = new TrustRule(trust, "internal", CallerKind.Internal);
        else if (caller.Equals("external", StringComparison.OrdinalIgnoreCase)) rule = new TrustRule(trust, "external", CallerKind.External);
        else if (caller.StartsWith("spiffe://", StringComparison.Ordinal)) rule = new TrustRule(trust, caller, CallerKind.Spiffe);
        else if (IPNetwork.TryParse(caller, out var network)) rule = new TrustRule(trust, caller, CallerKind.Network, network);
        else if (IPAddress.TryParse(caller, out var address)) rule = new TrustRule(trust, caller, CallerKind.Network, new IPNetwork(address, address.GetAddressBytes().Length * 8));
        else if (caller.Contains('/') && IPAddress.TryParse(caller.AsSpan(0, caller.IndexOf('/')), out _)) return $"\"{caller}\" in \"{text}\" is no network: its prefix must be a number of bits, from 0 to {(caller.Contains(':') ? 128 : 32)}";
        else return $"\"{caller}\" in \"{text}\" is no caller: write internal, external, an address or network such as 10.0.0.0/8, or an identity such as spiffe://cluster.local/ns/shop/*";
        return null;
    }
}
