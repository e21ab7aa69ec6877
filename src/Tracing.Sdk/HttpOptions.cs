using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>What concerns the HTTP messages of the mesh.</summary>
public sealed class HttpOptions
{
    /// <summary>Prefix of the mesh's own headers, as set in Envoy's bootstrap. Default <c>x-envoy</c>.</summary>
    public string EnvoyHeaderPrefix { get; set => field = Assign(value); } = "x-envoy";

    /// <summary>
    /// The header in which a web service tells its caller the trace id. Default <see cref="TraceResponseHeader.None"/>. The 500 for an
    /// unhandled exception has it only if the application uses <c>UseExceptionHandler</c>: the server clears all headers before its own.
    /// </summary>
    public TraceResponseHeader ResponseHeader { get; set => field = Assign(value); }

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
