using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>How one tracing reads the contexts of requests, and which calls carry a context or baggage.</summary>
/// <param name="settings">Which headers are read and written.</param>
/// <param name="inbound">How far callers are trusted.</param>
/// <param name="targets">Hosts whose requests get headers.</param>
/// <param name="baggageTargets">Hosts whose requests get baggage.</param>
internal sealed class ContextPropagation(
    PropagationSettings settings, InboundPolicy inbound, PropagationTargets targets, PropagationTargets baggageTargets)
{
    public PropagationSettings Settings => settings;

    public InboundPolicy Inbound => inbound;

    public PropagationTargets Targets => targets;

    public PropagationTargets BaggageTargets => baggageTargets;

    /// <summary>Reads the context of a request and applies trust as far as the headers tell.</summary>
    /// <param name="headers">All headers of the request.</param>
    /// <param name="empty">The context to return when no header holds anything, and the owner of any other.</param>
    public RemoteContext Extract(IDictionary<string, StringValues> headers, RemoteContext empty)
    {
        var reader = new HeaderSnapshot(headers);
        return inbound.Apply(ContextExtractor.Extract(reader, settings, empty), reader, headers);
    }
}
