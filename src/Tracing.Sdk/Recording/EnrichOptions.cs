using System.Diagnostics;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Recording;

/// <summary>What is added to spans beside their standard attributes. Functions run on the thread of the request or call, for recorded spans only; what they set wins over the
/// standard attributes. What they throw is logged once and costs neither the request nor the span. Web services also have <c>RequestStart</c> and <c>RequestEnd</c>.</summary>
public sealed class EnrichOptions
{
    /// <summary>Keys of baggage that become attributes of every span in the trace, under the same names. They are compared exactly.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name what identifies a request for people: a tenant, an order. The sender of the baggage chooses the value.</remarks>
    [Reloadable]
    [Expected("a list of keys")]
    public IList<string> BaggageKeys { get; } = [];

    /// <summary>Adds to the span of a call before it is sent. A call that is redirected or tried again has a span for each attempt. Code only.</summary>
    /// <value>Default: none.</value>
    public Action<Activity, HttpRequestMessage>? CallStart { get; set; }

    /// <summary>Adds to the span of a call when it ends, with the response, whose content has not been read, or with the exception, which a cancelled call and a timeout have too. Code only.</summary>
    /// <value>Default: none.</value>
    public Action<Activity, HttpRequestMessage, HttpResponseMessage?, Exception?>? CallEnd { get; set; }

    // For requests. The types of their parameters are the web half's, which has properties for them.
    internal Delegate? RequestStartFunction { get; set; }
    internal Delegate? RequestEndFunction { get; set; }
}
