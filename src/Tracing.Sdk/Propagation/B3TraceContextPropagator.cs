using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// Reads both forms of B3 and writes one of them, on any carrier: HTTP headers, Kafka headers, a dictionary.
/// <see href="https://github.com/openzipkin/b3-propagation">B3 propagation</see>.
/// </summary>
/// <remarks>
/// All four states survive a round trip. <see cref="ActivityContext"/> knows two of them, so <c>debug</c> and <c>defer</c> travel in a
/// tracestate member of ours, <c>mesh=s:d</c> and <c>mesh=s:u</c>, which the recorder of this library understands.
/// A decision without ids (<c>b3: 0</c>) has no place in an <see cref="ActivityContext"/> and is not returned; the ASP.NET Core
/// integration honours it. Neither method throws for anything that a stranger wrote.
/// </remarks>
/// <param name="format">The form to write. Default <see cref="B3Format.SingleHeader"/>, as the B3 specification asks of new carriers.</param>
public sealed class B3TraceContextPropagator(B3Format format = B3Format.SingleHeader) : TextMapPropagator
{
    /// <summary>The names of both forms: what an extraction may look at, and what a carrier should be cleared of.</summary>
    public override ISet<string> Fields => new HashSet<string>(
        [B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId, B3Headers.Sampled, B3Headers.Flags]);

    /// <summary>Returns the context that the carrier holds, or <paramref name="context"/> when that is valid already or none came in.</summary>
    /// <param name="context">What has been extracted so far; a valid one wins.</param>
    /// <param name="carrier">Where to read from.</param>
    /// <param name="getter">Returns all values of a name, each field apart; null or empty for none.</param>
    public override PropagationContext Extract<T>(PropagationContext context, T carrier, Func<T, string, IEnumerable<string>?> getter)
    {
        if (carrier is null || getter is null || context.ActivityContext.IsValid()) return context;
        var headers = new GetterReader<T>(carrier, getter);
        var ids = ContextExtractor.ReadB3(ref headers, out _);
        if (!ids.HasIds) return context;
        return new PropagationContext(ids.ToActivityContext(TraceStateList.WithState(null, ids.State)), context.Baggage);
    }

    /// <summary>Writes the context; does nothing for an invalid one, or for <see cref="B3Format.None"/>.</summary>
    /// <param name="context">What to write.</param>
    /// <param name="carrier">Where to write to.</param>
    /// <param name="setter">Sets one name to one value, in place of any older one.</param>
    public override void Inject<T>(PropagationContext context, T carrier, Action<T, string, string> setter)
    {
        var activity = context.ActivityContext;
        if (carrier is null || setter is null || !activity.IsValid()) return;
        var (traceId, spanId, state) = (activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), activity.StateOf());
        var headers = new SetterWriter<T>(carrier, setter);
        if (format == B3Format.SingleHeader) headers.Set(B3Headers.Single, B3Headers.FormatSingle(traceId, spanId, state));
        else if (format == B3Format.MultiHeader) ContextInjector.InjectMulti(traceId, spanId, state, ref headers);
    }
}
