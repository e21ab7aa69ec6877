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
    // What was read last on this thread: the middleware runs in the same breath.
    [ThreadStatic]
    private static IHeaderDictionary? _received;

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
        _received = headers;
        // Log lines should name the caller's trace even where its headers are only passed on.
        if (tracing.Value.Recorder is null) remote = ContextExtractor.Extract(new RequestHeaderReader(headers), PropagationSettings.ContextOnly);
        (traceId, traceState) = (remote.TraceParent, remote.TraceState);
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter)
    {
        if (carrier is not IHeaderDictionary) return Current.ExtractBaggage(carrier, getter);
        return RemoteContext.Current?.Baggage?.Select(member => KeyValuePair.Create(member.Key, (string?)member.Value));
    }

    /// <summary>Makes the headers of a request current, unless hosting has just asked for them on its way here.</summary>
    public static void EnsureReceived(IHeaderDictionary headers, MeshTracing tracing)
    {
        if (ReferenceEquals(_received, headers)) _received = null;
        else Receive(headers, tracing);
    }

    private static RemoteContext Receive(IHeaderDictionary headers, MeshTracing tracing)
    {
        var reader = new HeaderSnapshot(headers);
        var remote = ContextExtractor.Extract(reader, tracing.Propagation, tracing.NothingCameIn);
        tracing.Count(remote.Conflict);
        remote = tracing.Inbound.Apply(remote, reader, headers);

        // Where nothing came in there is nothing to flow along, but for whose request it is.
        if (remote != tracing.NothingCameIn || !tracing.IsAlone || RemoteContext.Current is not null) RemoteContext.Current = remote;
        return remote;
    }
}
