using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Propagation.B3;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// Reads both forms of B3 and writes one of them, on any carrier: HTTP headers, Kafka headers, a dictionary.
/// <see href="https://github.com/openzipkin/b3-propagation">B3 propagation</see>.
/// </summary>
/// <remarks>All four states survive a round trip. <see cref="ActivityContext"/> has flags for two of them, so <c>debug</c> and <c>defer</c> are in a member of its
/// tracestate, <c>mesh=s:d</c> and <c>mesh=s:u</c>, which this library reads when a span is started with that context. A decision without ids (<c>b3: 0</c>) has no place
/// in an <see cref="ActivityContext"/> and is not returned; the ASP.NET Core integration honours it. Neither method throws, whatever the carrier contains.</remarks>
/// <param name="singleHeader">Whether to write one <c>b3</c> header, which the B3 specification recommends for new carriers, or the <c>X-B3-*</c> headers. Default true.</param>
public sealed class B3TraceContextPropagator(bool singleHeader = true) : TextMapPropagator
{
    /// <summary>The names of both forms: all that an extraction reads, and all that should be removed from a carrier before an injection.</summary>
    public override ISet<string> Fields => new HashSet<string>(B3Headers.Names);

    /// <summary>Returns the context that the carrier holds, or <paramref name="context"/> when that is valid already or the carrier has none.</summary>
    /// <param name="context">What has been extracted so far; a valid one wins.</param>
    /// <param name="carrier">Where to read from.</param>
    /// <param name="getter">Returns all values of a name, each field apart; null or empty for none.</param>
    public override PropagationContext Extract<T>(PropagationContext context, T carrier, Func<T, string, IEnumerable<string>?> getter)
    {
        if (carrier is null || getter is null || context.ActivityContext.IsValid()) return context;
        var headers = new GetterReader<T>(carrier, getter);
        var ids = B3Headers.Read(ref headers, out _);
        return ids.HasIds ? new PropagationContext(ids.ToActivityContext(traceState: null), context.Baggage) : context;
    }

    /// <summary>Writes the context; does nothing for an invalid one.</summary>
    /// <param name="context">What to write.</param>
    /// <param name="carrier">Where to write to.</param>
    /// <param name="setter">Sets one name to one value, in place of any older one.</param>
    public override void Inject<T>(PropagationContext context, T carrier, Action<T, string, string> setter)
    {
        if (carrier is null || setter is null || !context.ActivityContext.IsValid()) return;
        var headers = new SetterWriter<T>(carrier, setter);
        RemoteContext.NoteSent();
        B3Headers.Write(context.ActivityContext.ToOutboundContext(), singleHeader ? B3Format.SingleHeader : B3Format.MultiHeader, ref headers);
    }
}
