using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export;
using Tracing.Sdk.Http;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>Options of <c>AddMeshTracing</c> and <c>MeshTracing.Start</c>. Each has a default and can be set by its <c>OTEL_*</c> variable, in the <c>MeshTracing</c>
/// section of the configuration and in code; a later layer wins over an earlier one. A wrong value in code or in the section stops the start. A wrong value in a variable
/// is ignored with a warning.</summary>
public sealed class MeshTracingOptions
{
    /// <summary>Whether spans are recorded, or headers only forwarded.</summary>
    /// <value>Default <see cref="MeshTracingMode.Record"/>. Variable: <c>OTEL_SDK_DISABLED</c>, where <c>true</c> means <see cref="MeshTracingMode.Forward"/>.</value>
    /// <remarks>Set it to <see cref="MeshTracingMode.Forward"/> in a service that needs no spans of its own: the spans of the proxies around it stay connected.</remarks>
    [Variable("OTEL_SDK_DISABLED", "true=Forward", "false=Record")]
    public MeshTracingMode Mode { get; set; }

    /// <summary>Name of this service in every trace.</summary>
    /// <value>Default: the host's application name, else the process name. Variable: <c>OTEL_SERVICE_NAME</c>.</value>
    /// <remarks>Set it when the application name is not what people call the service.</remarks>
    [Variable("OTEL_SERVICE_NAME")]
    [Expected("a name")]
    public string? ServiceName { get; set; }

    /// <summary>Attributes of the resource beside those that are detected. One with the key of a detected attribute replaces it, and with an empty value removes it. Each layer adds to
    /// the attributes of the layers below.</summary>
    /// <value>Default: none. Variable: <c>OTEL_RESOURCE_ATTRIBUTES</c> (<c>key=value,key=value</c>, percent-encoded).</value>
    /// <remarks>Add what distinguishes deployments of one service: a region, a team, a cell.</remarks>
    [Variable("OTEL_RESOURCE_ATTRIBUTES")]
    public IDictionary<string, string> ResourceAttributes { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Names of the ActivitySources that are recorded beside those of requests and calls (<c>Microsoft.AspNetCore</c>, <c>System.Net.Http</c>,
    /// <c>Grpc.Net.Client</c>); <c>*</c> at the end of a name matches any rest. <c>*</c> alone does not match <c>Experimental.System.Net.*</c>, whose connection spans are
    /// traces of their own, nor <c>Yarp.ReverseProxy</c> and <c>Azure.Core.Http</c>, whose spans double those of requests and calls: these are recorded only when they are named.</summary>
    /// <value>Default: <c>*</c>.</value>
    /// <remarks>Name sources to record only these, or to add one of those that <c>*</c> does not match.</remarks>
    [Expected("a list of names; * at the end stands for any rest")]
    public IList<string> Sources { get; } = ["*"];

    /// <summary>Requests, calls and sources of which no spans are made.</summary>
    public IgnoreOptions Ignore { get; } = new();

    /// <summary>Which traces are recorded.</summary>
    public SamplingOptions Sampling { get; } = new();

    /// <summary>Which headers are read and written, and which hosts get them.</summary>
    public PropagationOptions Propagation { get; } = new();

    /// <summary>How far the trace context of callers is trusted.</summary>
    public TrustOptions Trust { get; } = new();

    /// <summary>What is added to spans beside their standard attributes.</summary>
    public EnrichOptions Enrich { get; } = new();

    /// <summary>What spans of HTTP requests and calls show, and headers beside those of the trace context.</summary>
    public HttpOptions Http { get; } = new();

    /// <summary>Where spans go.</summary>
    public ExportOptions Export { get; } = new();

    /// <summary>How much of one span is exported.</summary>
    public LimitOptions Limits { get; } = new();

    /// <summary>Where each value came from.</summary>
    internal SettingOrigins Origins { get; } = new();
}
