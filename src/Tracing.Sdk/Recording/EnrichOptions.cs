using System.Diagnostics;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Recording;

/// <summary>What spans tell beside their standard attributes. Functions run on the thread of the request or call; what they throw is logged once and costs neither the request nor the span.</summary>
public sealed class EnrichOptions
{
    /// <summary>Keys of baggage that become attributes of every span in the trace, under the same names.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name what identifies a request for people: a tenant, an order. Whoever sends the baggage sets the value.</remarks>
    [Expected("a list of keys")]
    public IList<string> BaggageKeys { get; } = [];

    /// <summary>Adds to the span of a call before it is sent. Code only.</summary>
    /// <value>Default: none.</value>
    public Action<Activity, HttpRequestMessage>? CallStart { get; set; }

    /// <summary>Adds to the span of a call when it ends: with the response, or the exception. Code only.</summary>
    /// <value>Default: none.</value>
    public Action<Activity, HttpRequestMessage, HttpResponseMessage?, Exception?>? CallEnd { get; set; }

    /// <summary>The same for requests, in the web half's types.</summary>
    internal Delegate? RequestStart { get; set; }

    /// <inheritdoc cref="RequestStart"/>
    internal Delegate? RequestEnd { get; set; }
}
