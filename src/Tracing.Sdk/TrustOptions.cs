using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>Whose trace context is believed.</summary>
public sealed class TrustOptions
{
    /// <summary>Trust level for requests that match no rule in <see cref="Rules"/>. Default <see cref="TraceTrust.Trust"/>.</summary>
    public TraceTrust Default { get; set => field = Assign(value); }

    /// <summary>
    /// Rules by caller, the first that fits decides: <c>Restart external</c> (x-envoy-external-address is there), <c>Trust internal</c>
    /// (x-envoy-internal is true), <c>TrustIdsOnly 10.0.0.0/8</c> (the peer's address), <c>Trust spiffe://cluster.local/ns/shop/*</c>
    /// (the peer's identity in x-forwarded-client-cert, as good as the certificate authority that issued it; a header that cannot be read
    /// gets the least trust of all rules and the default). Default: none. Endpoints can trust less by <c>WithTracePropagation</c>.
    /// </summary>
    public IList<string> Rules { get; } = [];

    /// <summary>How many traces a second callers may force by their flags; beyond it <see cref="TraceTrust.TrustIdsOnly"/> holds for the request. Default: no bound; at least 1.</summary>
    public int? MaxForcedTracesPerSecond { get; set => field = Assign(value); }

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
