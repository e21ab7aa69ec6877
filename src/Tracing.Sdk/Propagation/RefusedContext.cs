using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>What a request brought and its caller is not trusted with. It is kept because a service may copy the headers of its request onto its calls, as a reverse
/// proxy does: the copies are recognised by it and removed.</summary>
/// <param name="Received">The context as it was read.</param>
/// <param name="Headers">The trace headers as they came, of every format.</param>
/// <param name="Baggage">The baggage that is refused, member by member; null when there is none.</param>
internal sealed record RefusedContext(
    RemoteContext Received, IReadOnlyList<KeyValuePair<string, StringValues>> Headers, IReadOnlyList<BaggageMember>? Baggage)
{
    /// <summary>Collects the headers that <paramref name="trust"/> refuses; null when there are none.</summary>
    public static RefusedContext? Collect(RemoteContext received, IDictionary<string, StringValues> headers, TraceTrust trust)
    {
        var isAnyRefused = false;
        var isBaggageTrusted = trust == TraceTrust.TrustIdsOnly;
        var refused = new List<KeyValuePair<string, StringValues>>();
        foreach (var header in headers)
        {
            if (!ContextHeaders.IsAboutTracing(header.Key)) continue;
            var isBaggage = header.Key.Equals(BaggageHeader.HeaderName, StringComparison.OrdinalIgnoreCase);
            if (isBaggage && isBaggageTrusted) continue;
            isAnyRefused = true;
            // Baggage that could be read is recognised by its members.
            if (isBaggage && received.Baggage is not null) continue;
            // A middleware may have put an id of its own in place of the caller's.
            var isRequestId = header.Key.Equals(RequestIds.RequestId, StringComparison.OrdinalIgnoreCase);
            if (!isRequestId || (header.Value is [var id, ..] && id == received.RequestId)) refused.Add(header);
        }

        return isAnyRefused ? new RefusedContext(received, refused, isBaggageTrusted ? null : received.Baggage) : null;
    }
}
