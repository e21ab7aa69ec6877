namespace Tracing.Sdk;

/// <summary>What <c>AddMeshTracing</c> can be told.</summary>
public sealed class MeshTracingOptions
{
    /// <summary>The service's name in every trace.</summary>
    public string? ServiceName { get; set; }
}
