namespace Tracing.Sdk.Propagation.Mesh;

/// <summary>
/// Headers that speak of one hop and would lie on the next: forwarded, an attempt count becomes somebody else's, a timeout a deadline,
/// and x-forwarded-for makes an internal call look external.
/// </summary>
internal static class HopHeaders
{
    private static readonly string[] Names =
        ["forwarded", "via", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "proxy-connection"];

    private static readonly string[] Prefixes = ["x-forwarded-", "x-envoy-"];

    // The one header under Envoy's prefix that is meant to travel.
    private const string ForceTrace = "-force-trace";

    public static bool Contains(string name, string envoyPrefix)
    {
        if (name.Equals(envoyPrefix + ForceTrace, StringComparison.OrdinalIgnoreCase)) return false;
        return Array.Exists(Names, n => name.Equals(n, StringComparison.OrdinalIgnoreCase))
            || Array.Exists(Prefixes, p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase))
            || name.StartsWith(envoyPrefix + "-", StringComparison.OrdinalIgnoreCase);
    }
}
