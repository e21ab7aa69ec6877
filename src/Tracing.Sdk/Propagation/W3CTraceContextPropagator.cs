using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// Reads and writes <c>traceparent</c> and <c>tracestate</c> on any carrier: HTTP headers, Kafka headers, a dictionary.
/// <see href="https://www.w3.org/TR/trace-context-2/">W3C Trace Context, level 2</see>.
/// </summary>
/// <remarks>
/// Any version is read and version 00 is written; reserved flag bits are dropped; an invalid tracestate never harms its traceparent.
/// Neither method throws for anything that a stranger wrote.
/// </remarks>
public sealed class W3CTraceContextPropagator : TextMapPropagator
{
    private static readonly HashSet<string> Names = [TraceParent.HeaderName, TraceStateList.HeaderName];

    /// <summary><c>traceparent</c> and <c>tracestate</c>.</summary>
    public override ISet<string> Fields => new HashSet<string>(Names);

    /// <summary>Returns the context that the carrier holds, or <paramref name="context"/> when that is valid already or none came in.</summary>
    /// <param name="context">What has been extracted so far; a valid one wins.</param>
    /// <param name="carrier">Where to read from.</param>
    /// <param name="getter">Returns all values of a name, each field apart; null or empty for none.</param>
    public override PropagationContext Extract<T>(PropagationContext context, T carrier, Func<T, string, IEnumerable<string>?> getter)
    {
        if (carrier is null || getter is null || context.ActivityContext.IsValid()) return context;
        var headers = new GetterReader<T>(carrier, getter);
        if (headers.Get(TraceParent.HeaderName) is not [{ } only] || !TraceParent.TryParse(only, out var ids)) return context;
        var list = TraceStateList.Normalize(headers.Get(TraceStateList.HeaderName));
        return new PropagationContext(ids.ToActivityContext(list), context.Baggage);
    }

    /// <summary>Writes the context; does nothing for an invalid one.</summary>
    /// <param name="context">What to write.</param>
    /// <param name="carrier">Where to write to.</param>
    /// <param name="setter">Sets one name to one value, in place of any older one.</param>
    public override void Inject<T>(PropagationContext context, T carrier, Action<T, string, string> setter)
    {
        var activity = context.ActivityContext;
        if (carrier is null || setter is null || !activity.IsValid()) return;
        setter(carrier, TraceParent.HeaderName, TraceParent.Format(
            activity.TraceId.ToHexString(), activity.SpanId.ToHexString(),
            sampled: (activity.TraceFlags & ActivityTraceFlags.Recorded) != 0,
            random: ((int)activity.TraceFlags & TraceIds.RandomFlag) != 0));
        if (TraceStateList.Normalize(activity.TraceState) is { } list) setter(carrier, TraceStateList.HeaderName, list);
    }
}
