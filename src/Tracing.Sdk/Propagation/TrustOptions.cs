using System.ComponentModel.DataAnnotations;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Propagation;

/// <summary>How far the trace context of callers is trusted.</summary>
public sealed class TrustOptions
{
    /// <summary>Trust level for requests that match no rule in <see cref="Rules"/>.</summary>
    /// <value>Default <see cref="TraceTrust.Trust"/>.</value>
    /// <remarks>Lower it in a service that strangers can call without a proxy in front that strips their headers.</remarks>
    public TraceTrust Default { get; set; }

    /// <summary>Trust levels by caller; the first rule that matches decides. See <see cref="TrustRule"/> for how a rule is written. Endpoints can trust less by <c>WithTraceTrust</c>.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Add <c>Restart external</c> behind an edge proxy, so that traces of the outside world end at the edge.</remarks>
    [Expected("a list of rules such as \"Restart external\", \"TrustIdsOnly 10.0.0.0/8\" or \"Trust spiffe://cluster.local/ns/shop/*\"")]
    public IList<TrustRule> Rules { get; } = [];

    /// <summary>Traces a second that callers can force by their flags. Beyond it, <see cref="TraceTrust.TrustIdsOnly"/> holds for the request.</summary>
    /// <value>Default: no bound; at least 1.</value>
    /// <remarks>Set it where callers are trusted but may send a flood of sampled or debug flags.</remarks>
    [Range(1, int.MaxValue)]
    [Example("100")]
    public int? MaxForcedTracesPerSecond { get; set; }
}
