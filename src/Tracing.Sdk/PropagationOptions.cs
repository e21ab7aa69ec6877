using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>Which headers are read and written, and which hosts get them.</summary>
public sealed class PropagationOptions
{
    /// <summary>Formats to write, the preferred first; whatever is written is also read, B3 always in both forms. Default: <c>tracecontext</c>, <c>b3multi</c>, <c>baggage</c>. Also <c>b3</c>, and <c>none</c>. Single and multi B3 are never written together: the first named is. Variable: <c>OTEL_PROPAGATORS</c>.</summary>
    public IList<string> Formats { get; } = ["tracecontext", "b3multi", "baggage"];

    /// <summary>Further request headers to pass on unchanged, such as <c>x-ot-span-context</c>, <c>sw8</c> or an application's own. <c>x-request-id</c> and <c>x-client-trace-id</c> always are. From callers that are not trusted only an application's own headers go on. Default: none.</summary>
    public IList<string> ForwardedHeaders { get; } = [];

    /// <summary>Hosts outside the mesh that get trace headers all the same: <c>api.example.com</c>, <c>*.example.com</c>, <c>203.0.113.0/24</c>, <c>*</c>. Default: none; loopback and private addresses, names of one label, and names under .svc, .cluster.local, .local, .internal and .localhost always count as inside.</summary>
    public IList<string> Targets { get; } = [];

    /// <summary>Hosts that get no trace headers whatever else holds, written as in <see cref="Targets"/>. Default: none.</summary>
    public IList<string> ExcludedTargets { get; } = [];

    /// <summary>Hosts outside the mesh that get baggage too, written as in <see cref="Targets"/>. Default: none.</summary>
    public IList<string> BaggageTargets { get; } = [];

    /// <summary>Keys of the baggage that may leave, whatever code or library wrote it onto the call; <c>*</c> at the end stands for any rest. Default: all.</summary>
    public IList<string> BaggageKeys { get; } = ["*"];

    /// <summary>Whether traces that start here say that their ids are random (W3C level 2, flag 02). Default true. Turn off for peers that drop a traceparent ending in 03.</summary>
    public bool RandomFlag { get; set => field = Assign(value); } = true;

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
