using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>
/// What <c>AddMeshTracing</c> can be told. Everything has a default, everything can also be set in the <c>MeshTracing</c> section of the
/// configuration, and what has a standard <c>OTEL_*</c> variable obeys it. Code wins over the section, the section over the variables.
/// A wrong value in code or in the section stops the start. A wrong value in a variable, which other services and other libraries may share,
/// is ignored with a warning.
/// </summary>
public sealed class MeshTracingOptions
{
    /// <summary>Whether spans are recorded, or headers only forwarded. Default <see cref="MeshTracingMode.Record"/>. Variable: <c>OTEL_SDK_DISABLED=true</c> means <see cref="MeshTracingMode.Forward"/>.</summary>
    public MeshTracingMode Mode { get; set => field = Assign(value); }

    /// <summary>The name of this service in every trace. Default: the host's application name, else the process name. Variable: <c>OTEL_SERVICE_NAME</c>.</summary>
    public string? ServiceName { get; set => field = Assign(value); }

    /// <summary>Further attributes of the resource, such as <c>service.version</c>. Default: none. Variable: <c>OTEL_RESOURCE_ATTRIBUTES</c> (<c>key=value,key=value</c>, percent-encoded).</summary>
    public IDictionary<string, string> ResourceAttributes { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Names of the ActivitySources to record beside the platform's for HTTP (<c>Microsoft.AspNetCore</c>, <c>System.Net.Http</c>), which only <see cref="IgnoredSources"/> can leave out; <c>*</c> at the end stands for any rest. Default: <c>*</c>. It does not stand for <c>Experimental.System.Net.*</c>, the platform's connection spans, which are traces of their own, nor for <c>Grpc.Net.Client</c>, whose calls are HTTP requests with a span already: these are recorded only when they are named.</summary>
    public IList<string> Sources { get; } = ["*"];

    /// <summary>Names of ActivitySources not to record, written as in <see cref="Sources"/>, which it overrules. Default: none.</summary>
    public IList<string> IgnoredSources { get; } = [];

    /// <summary>Which traces are recorded.</summary>
    public SamplingOptions Sampling { get; } = new();

    /// <summary>Which headers are read and written, and which hosts get them.</summary>
    public PropagationOptions Propagation { get; } = new();

    /// <summary>Whose trace context is believed.</summary>
    public TrustOptions Trust { get; } = new();

    /// <summary>What concerns the HTTP messages of the mesh.</summary>
    public HttpOptions Http { get; } = new();

    /// <summary>Where spans go.</summary>
    public ExportOptions Export { get; } = new();

    /// <summary>How much of one span is exported.</summary>
    public LimitOptions Limits { get; } = new();

    /// <summary>Paths of the options that were assigned, also those assigned the value that they had: the origin of a value is where it was set, changed or not.</summary>
    internal HashSet<string> Assigned { get; } = [];

    internal HashSet<string> AllAssigned =>
    [
        .. Assigned, .. In("Sampling", Sampling.Assigned), .. In("Propagation", Propagation.Assigned), .. In("Trust", Trust.Assigned), .. In("Http", Http.Assigned),
        .. In("Export", Export.Assigned), .. In("Export:Otlp", Export.Otlp.Assigned), .. In("Export:Zipkin", Export.Zipkin.Assigned), .. In("Export:Batch", Export.Batch.Assigned),
        .. In("Limits", Limits.Assigned),
    ];

    internal void ClearAssigned()
    {
        foreach (var set in new[]
        {
            Assigned, Sampling.Assigned, Propagation.Assigned, Trust.Assigned, Http.Assigned, Export.Assigned, Export.Otlp.Assigned, Export.Zipkin.Assigned,
            Export.Batch.Assigned, Limits.Assigned,
        })
        {
            set.Clear();
        }
    }

    private static IEnumerable<string> In(string section, HashSet<string> names) => names.Select(n => $"{section}:{n}");

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
