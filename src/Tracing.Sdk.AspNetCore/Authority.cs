using Microsoft.AspNetCore.Http;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The host and the port of a Host header.</summary>
/// <param name="Text">The header.</param>
/// <param name="Name">The name or address, without brackets.</param>
/// <param name="Port">Null when there is none; 0 when it is not a number.</param>
internal sealed record Authority(string Text, string Name, int? Port)
{
    // The last one is kept, because a service is mostly called by one name and parsing makes two strings.
    private static Authority? _last;

    /// <summary>Reads a header. HttpRequest.Host would decode Punycode, and throw when it is invalid.</summary>
    public static Authority Parse(string text)
    {
        if (_last is { } last && last.Text == text) return last;
        // User info is not allowed here and is removed.
        var authority = text[(text.LastIndexOf('@') + 1)..];
        var host = new HostString(authority);
        var port = host.Port ?? (authority.Length > host.Host.Length ? 0 : null);
        return _last = new Authority(text, host.Host.Trim('[', ']'), port);
    }
}
