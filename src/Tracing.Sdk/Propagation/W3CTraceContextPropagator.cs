using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// Reads and writes <c>traceparent</c> and <c>tracestate</c> on any carrier: HTTP headers, Kafka headers, a dictionary.
/// <see href="https://www.w3.org/TR/trace-context-2/">W3C Trace Context, level 2</see>.
/// </summary>
/// <remarks>Any version is read and version 00 is written; reserved flag bits are dropped; an invalid tracestate does not affect its traceparent. Neither method throws,
/// whatever the carrier contains.</remarks>
public sealed class W3CTraceContextPropagator : TextMapPropagator
{
    /// <summary><c>traceparent</c> and <c>tracestate</c>.</summary>
    public override ISet<string> Fields => new HashSet<string>(W3CHeaders.Names);

    /// <summary>Returns the context that the carrier holds, or <paramref name="context"/> when that is valid already or the carrier has none.</summary>
    /// <param name="context">What has been extracted so far; a valid one wins.</param>
    /// <param name="carrier">Where to read from.</param>
    /// <param name="getter">Returns all values of a name, each field apart; null or empty for none.</param>
    public override PropagationContext Extract<T>(PropagationContext context, T carrier, Func<T, string, IEnumerable<string>?> getter)
    {
        if (carrier is null || getter is null || context.ActivityContext.IsValid()) return context;
        var headers = new GetterReader<T>(carrier, getter);
        if (!W3CHeaders.TryRead(ref headers, out var w3c)) return context;
        var ids = w3c.Marker.IsDebug ? w3c.Ids.WithDebug(w3c.Marker.SpanId) : w3c.Ids;
        return new PropagationContext(ids.ToActivityContext(w3c.TraceState), context.Baggage);
    }

    /// <summary>Writes the context; does nothing for an invalid one.</summary>
    /// <param name="context">What to write.</param>
    /// <param name="carrier">Where to write to.</param>
    /// <param name="setter">Sets one name to one value, in place of any older one.</param>
    public override void Inject<T>(PropagationContext context, T carrier, Action<T, string, string> setter)
    {
        if (carrier is null || setter is null || !context.ActivityContext.IsValid()) return;
        var headers = new SetterWriter<T>(carrier, setter);
        var outbound = context.ActivityContext.ToOutboundContext();
        headers.Set(TraceParent.HeaderName, TraceParent.Format(outbound.TraceId, outbound.SpanId, outbound.State.IsSampled(), outbound.IsRandom));
        if (TraceStateList.ToSend(outbound.TraceState) is { } list) headers.Set(TraceStateList.HeaderName, list);
    }
}
