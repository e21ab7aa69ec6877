using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Tracing.Sdk.Propagation;

/// <summary>The hosts whose requests get headers. By default only hosts that look internal: loopback and private addresses, names of one label, and names under .svc,
/// .cluster.local, .local, .internal and .localhost. Requests to all others get a span and no headers.</summary>
/// <param name="allowed">Patterns of further hosts that get headers; <c>*</c> for all.</param>
/// <param name="denied">Patterns of hosts that get none, whatever else allows them.</param>
/// <param name="refused">Called with a host that gets no headers, the first time; null for no call.</param>
/// <exception cref="FormatException">A pattern is neither a host name, a suffix such as <c>*.example.com</c>, nor a network.</exception>
internal sealed class PropagationTargets(IEnumerable<string> allowed, IEnumerable<string> denied, Action<string>? refused = null)
{
    private static readonly string[] InternalSuffixes = [".svc", ".cluster.local", ".local", ".internal", ".localhost"];

    private static readonly IPNetwork[] InternalNetworks =
    [
        IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"),
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("100.64.0.0/10"),
        IPNetwork.Parse("::1/128"), IPNetwork.Parse("fc00::/7"), IPNetwork.Parse("fe80::/10"),
    ];

    // A service calls few hosts. The bound keeps callers that can choose the host from filling the memory.
    private const int MaxRemembered = 1024;
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.OrdinalIgnoreCase);

    // The first host of each length modulo 16, which is found with one comparison. An entry is set once.
    private readonly Known?[] _first = new Known?[16];

    // Counted here, because ConcurrentDictionary.Count takes all of its locks.
    private int _remembered;
    private readonly HostPatterns _allowed = new(allowed);
    private readonly HostPatterns _denied = new(denied);

    /// <summary>Whether requests to this host get headers.</summary>
    /// <param name="host">A name or an address, as <see cref="Uri.Host"/> gives it.</param>
    public bool Allows(string host)
    {
        if (_first[host.Length & (_first.Length - 1)] is { } first && first.Host == host) return first.IsAllowed;
        if (_known.TryGetValue(host, out var known)) return known.IsAllowed;
        known = new Known(host, Decide(host));
        if (Volatile.Read(ref _remembered) < MaxRemembered && _known.TryAdd(host, known))
        {
            Interlocked.Increment(ref _remembered);
            Interlocked.CompareExchange(ref _first[host.Length & (_first.Length - 1)], known, null);
            if (!known.IsAllowed) refused?.Invoke(host);
        }

        return known.IsAllowed;
    }

    private sealed record Known(string Host, bool IsAllowed);

    private bool Decide(string host)
    {
        var (name, address) = HostPatterns.Parse(host);
        if (_denied.Match(name, address)) return false;
        return _allowed.Match(name, address) || LooksInternal(name, address);
    }

    private static bool LooksInternal(string name, IPAddress? address)
    {
        if (address is not null) return Array.Exists(InternalNetworks, network => network.Contains(address));
        if (name.Length == 0) return false;
        return !name.Contains('.') || Array.Exists(InternalSuffixes, suffix => name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase));
    }
}

/// <summary>A list of <c>name</c>, <c>*.suffix</c>, <c>*</c>, address and network patterns.</summary>
internal sealed class HostPatterns
{
    private readonly List<string> _names = [];
    private readonly List<string> _suffixes = [];
    private readonly List<IPNetwork> _networks = [];
    private readonly bool _all;

    public HostPatterns(IEnumerable<string> patterns)
    {
        foreach (var raw in patterns)
        {
            var pattern = raw.Trim();
            if (pattern == "*") _all = true;
            else if (IPNetwork.TryParse(pattern, out var network)) _networks.Add(network);
            else if (IPAddress.TryParse(pattern.Trim('[', ']'), out var address)) _networks.Add(NetworkOf(address));
            else if (pattern.StartsWith("*.", StringComparison.Ordinal) && IsName(pattern[2..])) _suffixes.Add(pattern[1..].TrimEnd('.'));
            else if (IsName(pattern)) _names.Add(pattern.TrimEnd('.'));
            else throw new FormatException($"\"{raw}\" is neither a host name, a suffix such as *.example.com, an address, a network such as 10.0.0.0/8, nor *");
        }
    }

    /// <summary>The form in which hosts are compared: a name, or an address.</summary>
    /// <param name="host">As <see cref="Uri.Host"/> gives it.</param>
    public static (string Name, IPAddress? Address) Parse(string host)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        _ = IPAddress.TryParse(name, out var address);
        return (name, address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address);
    }

    public bool Match(string name, IPAddress? address)
    {
        if (_all) return true;
        if (address is not null) return _networks.Exists(network => network.Contains(address));
        return _names.Exists(n => name.Equals(n, StringComparison.OrdinalIgnoreCase))
            || _suffixes.Exists(s => name.EndsWith(s, StringComparison.OrdinalIgnoreCase));
    }

    private static IPNetwork NetworkOf(IPAddress address) => new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
    private static bool IsName(string text) => Uri.CheckHostName(text) == UriHostNameType.Dns;
}
