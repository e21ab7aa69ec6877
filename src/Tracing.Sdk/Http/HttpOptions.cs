using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Http;

/// <summary>What spans of HTTP requests and calls show, and headers beside those of the trace context.</summary>
public sealed class HttpOptions
{
    /// <summary>Prefix of the proxy's own headers, such as <c>x-envoy-attempt-count</c>, as set in Envoy's bootstrap.</summary>
    /// <value>Default <c>x-envoy</c>.</value>
    /// <remarks>Change it when the bootstrap sets <c>header_prefix</c>.</remarks>
    [HeaderPrefix]
    public string EnvoyHeaderPrefix { get; set; } = "x-envoy";

    /// <summary>Header of a web service's response that tells the caller the trace id. The 500 for an unhandled exception has it only if the application uses
    /// <c>UseExceptionHandler</c>: the server clears all headers before its own.</summary>
    /// <value>Default <see cref="TraceResponseHeader.None"/>.</value>
    /// <remarks>Set it to find the trace of a response in a browser's developer tools or with curl.</remarks>
    public TraceResponseHeader ResponseHeader { get; set; }

    /// <summary>Whether server spans show the addresses of the client and of the peer: <c>client.address</c>, <c>network.peer.address</c>, <c>network.peer.port</c>.</summary>
    /// <value>Default false: a client's address is personal data, and behind a proxy the peer is the proxy.</value>
    /// <remarks>Turn it on where the addresses tell more than the proxy's log does.</remarks>
    public bool ClientAddress { get; set; }

    /// <summary>Whether spans show the query of a URL, in <c>url.full</c> and <c>url.query</c>. Otherwise it is replaced by <c>*</c>, except for
    /// <see cref="ShownQueryKeys"/>. User names, passwords and fragments of URLs are never shown.</summary>
    /// <value>Default false.</value>
    /// <remarks>Turn it on where queries hold nothing personal and no secrets. Values of keys that are known to be secrets, such as <c>sig</c> and <c>access_token</c>, stay
    /// hidden unless <see cref="ShownQueryKeys"/> has them.</remarks>
    public bool ShowQuery { get; set; }

    /// <summary>Keys of a URL's query that are shown with their values. A key is compared decoded; upper and lower case are different.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name the keys that help to recognise a request, such as <c>page</c>: a span then shows <c>?page=2&amp;*</c>.</remarks>
    [Expected("a list of keys")]
    public IList<string> ShownQueryKeys { get; } = [];
}
