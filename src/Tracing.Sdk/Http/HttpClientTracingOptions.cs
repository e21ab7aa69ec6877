namespace Tracing.Sdk.Http;

/// <summary>How the calls of one client of IHttpClientFactory are traced.</summary>
public sealed class HttpClientTracingOptions
{
    /// <summary>Whether calls have a span.</summary>
    /// <value>Default true.</value>
    /// <remarks>Turn it off for calls that tell nothing, such as polling. The headers are then those of the span around the call.</remarks>
    public bool Span { get; set; } = true;

    /// <summary>Whether calls carry the trace context, the request id and the forwarded headers: true to every host, false to none.</summary>
    /// <value>Default null: to the hosts that <c>Propagation:Targets</c> says.</value>
    /// <remarks>Headers that code sets on a call are sent in any case, unless they are copies of those of the request around it.</remarks>
    public bool? Headers { get; set; }

    /// <summary>Whether calls carry baggage: true to every host, false to none.</summary>
    /// <value>Default null: to the hosts that <c>Propagation:BaggageTargets</c> says if <see cref="Headers"/> is not false, and if <see cref="Formats"/> has baggage.</value>
    /// <remarks><c>Propagation:BaggageKeys</c> says which members.</remarks>
    public bool? Baggage { get; set; }

    /// <summary>Formats that are written, as in <c>Propagation:Formats</c>: <c>tracecontext</c>, <c>b3multi</c>, <c>b3</c>, <c>baggage</c>, or <c>none</c>.</summary>
    /// <value>Default: empty, which means those of <c>Propagation:Formats</c>.</value>
    /// <remarks>Name the only format that the called service reads.</remarks>
    public IList<string> Formats { get; } = [];
}
