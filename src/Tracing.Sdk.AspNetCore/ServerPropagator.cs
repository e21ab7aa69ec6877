using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.AspNetCore;

/// <summary>
/// What hosting asks for the parent of a request, so that its own Activity continues the trace in whatever format it came: there is
/// never a second Activity beside it. What this contract cannot say (deferred, debug, the loser of a conflict) is in
/// <see cref="RemoteContext.Current"/>, which the sampler reads in the very next step.
/// </summary>
internal sealed class ServerPropagator(Lazy<MeshTracing> tracing) : DistributedContextPropagator
{
    public override IReadOnlyCollection<string> Fields => Current.Fields;

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter) => Current.Inject(activity, carrier, setter);

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        if (carrier is not IHeaderDictionary headers)
        {
            Current.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);
            return;
        }

        var remote = Receive(headers, tracing.Value);
        (traceId, traceState) = (remote.TraceParent, remote.TraceState);
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter)
    {
        if (carrier is not IHeaderDictionary) return Current.ExtractBaggage(carrier, getter);
        return RemoteContext.Current?.Baggage?.Select(member => KeyValuePair.Create(member.Key, (string?)member.Value));
    }

    /// <summary>Reads the headers of a request, once, and makes them current for everything that it does.</summary>
    public static RemoteContext Receive(IHeaderDictionary headers, MeshTracing tracing)
    {
        if (RemoteContext.Current is { } known && ReferenceEquals(known.Carrier, headers)) return known;
        var remote = ContextExtractor.Extract(new RequestHeaderReader(headers), tracing.Propagation, tracing, headers);
        RemoteContext.Current = remote;
        return remote;
    }
}
