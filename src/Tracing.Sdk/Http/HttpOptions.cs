using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Http;

/// <summary>Headers of HTTP messages beside those of the trace context.</summary>
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
}
