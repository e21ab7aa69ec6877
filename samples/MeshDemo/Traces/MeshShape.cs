namespace MeshDemo.Traces;

/// <summary>
/// The shape of the trace of a request through the mesh:
/// front proxy -> API service -> egress proxy -> data service -> its queries, one tree, every call answered.
/// </summary>
internal sealed record MeshShape(string FrontProxy, string ApiService, string EgressProxy, string DataService)
{
    /// <summary>The names under which the demo runs its parts, Envoy in both proxies' places.</summary>
    public static readonly MeshShape WithEnvoy = new("front-envoy", "api-service", "egress-envoy", "data-service");

    /// <summary>What is missing from the tree: a sentence each, none when it is whole.</summary>
    public IEnumerable<string> Missing(TraceTree tree)
    {
        foreach (var fault in tree.Faults())
            yield return fault;

        var nodes = tree.Nodes.ToArray();
        foreach (var service in new[] { FrontProxy, ApiService, EgressProxy, DataService })
        {
            if (!nodes.Any(node => Is(node.Span, service)))
                yield return $"there is no span of {service}";
        }

        if (!nodes.Any(node => Is(node.Span, DataService) && node.Span.IsQuery))
            yield return $"there is no query of {DataService}";

        if (tree.Roots.Count == 1 && !Is(tree.Roots[0].Span, FrontProxy))
            yield return $"the root is {TraceTree.Describe(tree.Roots[0].Span)}, not a span of {FrontProxy}";

        foreach (var node in nodes)
        {
            if (Callee(node.Span) is { } callee && !node.Children.Any(child => Is(child.Span, callee)))
                yield return $"no span of {callee} is below {TraceTree.Describe(node.Span)}";
        }
    }

    // The service that has to have a span below a CLIENT span; null for a query.
    private string? Callee(Span span) => span switch
    {
        { Kind: not "CLIENT" } or { IsQuery: true } => null,
        _ when Is(span, FrontProxy) => ApiService,
        _ when Is(span, ApiService) => EgressProxy,
        _ when Is(span, EgressProxy) => DataService,
        _ => null,
    };

    // Zipkin turns service names into lower case.
    private static bool Is(Span span, string service) => string.Equals(span.Service, service, StringComparison.OrdinalIgnoreCase);
}
