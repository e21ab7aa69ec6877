namespace Tracing.Sdk;

/// <summary>Makes no spans of requests to an endpoint, nor of what its code does; the trace headers that came in go out unchanged with its calls. For a controller or an action, a page, a gRPC service or a
/// method of it, and a lambda of a minimal API. The same as <c>.DisableTracing()</c>.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, Inherited = true)]
public sealed class DisableTracingAttribute : Attribute
{
    /// <summary>Makes the attribute.</summary>
    public DisableTracingAttribute() => IsUsed = true;

    /// <summary>Whether an endpoint of this process has it.</summary>
    internal static bool IsUsed { get; private set; }
}
