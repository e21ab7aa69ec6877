namespace Tracing.Sdk.Propagation.Mesh;

/// <summary>Headers that describe one hop only and must not be forwarded. On the next hop an attempt count would belong to another request, a timeout would be taken for
/// a deadline, and x-forwarded-for would make an internal call look external.</summary>
internal static class HopHeaders
{
    private static readonly string[] Names =
        ["forwarded", "via", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "proxy-connection"];

    private static readonly string[] Prefixes = ["x-forwarded-", "x-envoy-"];

    // The only header under Envoy's prefix that is meant to be forwarded.
    private const string ForceTrace = "-force-trace";

    public static bool Contains(string name, string envoyPrefix)
    {
        if (name.Equals(envoyPrefix + ForceTrace, StringComparison.OrdinalIgnoreCase)) return false;
        return Array.Exists(Names, n => name.Equals(n, StringComparison.OrdinalIgnoreCase))
            || Array.Exists(Prefixes, p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase))
            || name.StartsWith(envoyPrefix + "-", StringComparison.OrdinalIgnoreCase);
    }
}
