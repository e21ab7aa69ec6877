using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Recording;

/// <summary>Requests, calls and sources of which no spans are made. An ignored request has no span, nor has any code that it runs, and the trace headers that came in go out
/// unchanged with its calls, so the traces around it stay whole.</summary>
public sealed class IgnoreOptions
{
    /// <summary>Whether health checks are ignored: endpoints of <c>MapHealthChecks</c>, the paths <c>/healthz</c>, <c>/livez</c> and <c>/readyz</c>, and gRPC's health service.</summary>
    /// <value>Default true.</value>
    /// <remarks>Turn it off to see what a health check does.</remarks>
    [Reloadable]
    public bool HealthChecks { get; set; } = true;

    /// <summary>Whether the polls of known libraries are ignored outside of traces: the job store of Quartz, the calls between the silos of Orleans, and RabbitMQ's answer that a queue is empty.</summary>
    /// <value>Default true.</value>
    /// <remarks>Only what the library names apart from work: jobs and messages are recorded, and so are the same spans inside of a trace. A timer of Orleans has no span, and what
    /// it starts begins traces. Turn it off to see how a library polls.</remarks>
    [Reloadable]
    public bool BackgroundPolls { get; set; } = true;

    /// <summary>Paths of requests that are ignored, in any letter case; <c>*</c> stands for any characters. A path base is part of the path.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name what is asked often and tells nothing: <c>/metrics</c>, <c>/static/*</c>, <c>/favicon.ico</c>. Endpoints can say it themselves by <c>.DisableTracing()</c>.</remarks>
    [Reloadable]
    [PathPatterns]
    public IList<string> Paths { get; } = [];

    /// <summary>Calls that get no span: a host as in <see cref="Propagation.PropagationOptions.Targets"/>, with a port and a path where needed; <c>*</c> in the path stands for any characters. Trace
    /// headers are written as if the code around the call had made it.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name what is called often and tells nothing: <c>vault.internal</c>, <c>localhost:8500/v1/*</c>.</remarks>
    [Reloadable]
    [CallPatterns]
    public IList<string> Calls { get; } = [];

    /// <summary>Names of ActivitySources that are not recorded, written as in <see cref="MeshTracingOptions.Sources"/>. It wins over <see cref="MeshTracingOptions.Sources"/> and also leaves out the
    /// platform's two for HTTP.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name a library whose spans are too many or tell nothing.</remarks>
    [Expected("a list of names; * at the end stands for any rest")]
    public IList<string> Sources { get; } = [];

    /// <summary>Names of ActivitySources whose spans are recorded inside of a trace and do not begin one, written as in <see cref="MeshTracingOptions.Sources"/>.</summary>
    /// <value>Default: none.</value>
    /// <remarks>Name a library that polls in the background: its spans in requests stay, and its polls make no traces of their own.</remarks>
    [Reloadable]
    [Expected("a list of names; * at the end stands for any rest")]
    public IList<string> RootSources { get; } = [];

    /// <summary>Returns true for a call that gets no span, as those of <see cref="Calls"/>. If it throws, the call is not ignored. Code only.</summary>
    /// <value>Default: none.</value>
    public Func<HttpRequestMessage, bool>? Call { get; set; }

    /// <summary>The same for requests, in the web half's type.</summary>
    internal Delegate? RequestFilter { get; set; }
}
