using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// What a request brought that is not trusted. It is kept because a service may copy the headers of its request onto its calls, as a reverse
/// proxy does: a copy is recognised by it and does not leave.
/// </summary>
/// <param name="Received">The context as it was read.</param>
/// <param name="Headers">The trace headers as they came, of every format.</param>
internal sealed record RefusedContext(RemoteContext Received, IReadOnlyList<KeyValuePair<string, StringValues>> Headers)
{
    /// <summary>Collects the headers that <paramref name="trust"/> refuses; null when there are none.</summary>
    public static RefusedContext? Collect(RemoteContext received, IDictionary<string, StringValues> headers, TraceTrust trust)
    {
        var isAnyRefused = false;
        var refused = new List<KeyValuePair<string, StringValues>>();
        foreach (var header in headers)
        {
            if (!TraceHeaders.Contains(header.Key)) continue;
            if (header.Key.Equals(BaggageHeader.HeaderName, StringComparison.OrdinalIgnoreCase))
            {
                // The trace goes on, and its baggage with it.
                if (trust == TraceTrust.TrustIdsOnly) continue;
                // What has been read is recognised member by member.
                isAnyRefused = true;
                if (received.Baggage is not null) continue;
            }

            isAnyRefused = true;
            // A middleware may have put an id of its own in place of the caller's.
            if (!header.Key.Equals(RequestIds.RequestId, StringComparison.OrdinalIgnoreCase) || header.Value is [var id, ..] && id == received.RequestId) refused.Add(header);
        }

        return isAnyRefused ? new RefusedContext(received, refused) : null;
    }
}
