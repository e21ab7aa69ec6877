using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Propagation;

/// <summary>Which headers are read and written, and which hosts get them.</summary>
public sealed class PropagationOptions
{
    /// <summary>Formats that are written, the preferred first: <c>tracecontext</c>, <c>b3multi</c>, <c>b3</c>, <c>baggage</c>, or <c>none</c>. What is written is also
    /// read, B3 always in both forms. Single and multi B3 are never written together: the first named is.</summary>
    /// <value>Default: <c>tracecontext,b3multi,baggage</c>. Variable: <c>OTEL_PROPAGATORS</c>.</value>
    /// <remarks>Change it to the format of the mesh when all of its proxies and services speak only one.</remarks>
    [Variable("OTEL_PROPAGATORS")]
    [Items("tracecontext", "baggage", "b3", "b3multi", "none")]
    public IList<string> Formats { get; } = ["tracecontext", "b3multi", "baggage"];

    /// <summary>Hosts outside the mesh that also get trace headers: <c>api.example.com</c>, <c>*.example.com</c>, <c>203.0.113.0/24</c>, <c>*</c>. Loopback and private
    /// addresses, names of one label, and names under .svc, .cluster.local, .local, .internal and .localhost are always inside.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name the public hosts behind which services of your own run.</remarks>
    [HostPatterns]
    public IList<string> Targets { get; } = [];

    /// <summary>Hosts that get no trace headers, written as in <see cref="Targets"/>. It wins over <see cref="Targets"/> and over what is inside the mesh.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name an internal host that refuses requests with trace headers, or that belongs to another party.</remarks>
    [HostPatterns]
    public IList<string> ExcludedTargets { get; } = [];

    /// <summary>Hosts outside the mesh that also get baggage, written as in <see cref="Targets"/>.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name a host only if every member of the baggage may be known there.</remarks>
    [HostPatterns]
    public IList<string> BaggageTargets { get; } = [];

    /// <summary>Keys of the baggage that leaves this service, including baggage that code or a library wrote onto a call; <c>*</c> at the end of a key matches any rest.</summary>
    /// <value>Default: <c>*</c>.</value>
    /// <remarks>Name keys when baggage also carries what other services must not see.</remarks>
    [Expected("a list of keys; * at the end stands for any rest")]
    public IList<string> BaggageKeys { get; } = ["*"];

    /// <summary>Further request headers that are passed on unchanged, such as <c>x-ot-span-context</c>, <c>sw8</c> or an application's own. <c>x-request-id</c> and
    /// <c>x-client-trace-id</c> always are. From callers that are not trusted, only an application's own headers go on.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name headers by which a mesh routes (a canary, a tenant), or the headers of a tracer that the proxies speak.</remarks>
    [ForwardedHeaders]
    public IList<string> ForwardedHeaders { get; } = [];

    /// <summary>Whether traces that begin here say that their ids are random (W3C level 2, flag 02).</summary>
    /// <value>Default true.</value>
    /// <remarks>Turn it off for peers that drop a traceparent ending in 03.</remarks>
    public bool RandomFlag { get; set; } = true;
}
