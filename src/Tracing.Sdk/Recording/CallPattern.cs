using System.Globalization;
using System.Net;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Calls to a host: <c>vault.internal</c>, <c>localhost:8500</c>, <c>*.example.com/poll/*</c>, <c>*/health</c>.</summary>
internal sealed class CallPattern
{
    private readonly HostPatterns _host;
    private readonly int? _port;
    private readonly WildcardPattern? _path;

    /// <exception cref="FormatException">The text is no pattern.</exception>
    public CallPattern(string text)
    {
        // An address of version 6 has colons, and a network a slash.
        var slash = text.IndexOf('/');
        if (slash >= 0 && IPNetwork.TryParse(text, out _)) slash = -1;
        var host = slash < 0 ? text : text[..slash];
        if (slash >= 0) _path = WildcardPattern.IsPathPattern(text[slash..]) ? new WildcardPattern(text[slash..]) : throw new FormatException();
        var colon = host.LastIndexOf(':');
        if (colon > 0 && (host.IndexOf(':') == colon || host[colon - 1] == ']'))
        {
            _port = int.TryParse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= IPEndPoint.MaxPort ? port : throw new FormatException();
            host = host[..colon];
        }

        _host = new HostPatterns([host]);
    }

    public bool Matches(Uri uri)
    {
        if ((_port is { } port && port != uri.Port) || _path?.Matches(uri.AbsolutePath) == false) return false;
        var (name, address) = HostPatterns.Parse(uri.Host);
        return _host.Match(name, address);
    }
}
