using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Tells hosting the parent of a request, so that its own Activity continues the trace in whatever format it came, without a second Activity beside it. What
/// this contract cannot express (deferred, debug, a linked context) is in <see cref="RemoteContext.Current"/>, which the sampler reads in the next step.</summary>
internal sealed class ServerPropagator(Lazy<TracingInstance> tracing) : DistributedContextPropagator
{
    // The headers that were read last on this thread. The middleware follows on the same thread.
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

        var remote = tracing.Value.Receive(headers);
        _received = headers;
        // Log lines should name the caller's trace also where its headers are only forwarded.
        if (tracing.Value.Recorder is null) remote = ContextExtractor.Extract(new DictionaryReader(headers), PropagationSettings.ContextOnly);
        (traceId, traceState) = (remote.TraceParent, remote.ActivityTraceState);
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter)
    {
        if (carrier is not IHeaderDictionary) return Current.ExtractBaggage(carrier, getter);
        return RemoteContext.Current?.Baggage?.Select(member => KeyValuePair.Create(member.Key, (string?)member.Value));
    }

    /// <summary>Makes the context of a request current, unless hosting has just extracted it.</summary>
    public static void EnsureReceived(IHeaderDictionary headers, TracingInstance tracing)
    {
        if (ReferenceEquals(_received, headers)) _received = null;
        else tracing.Receive(headers);
    }
}
