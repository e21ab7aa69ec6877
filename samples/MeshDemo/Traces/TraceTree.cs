namespace MeshDemo.Traces;

/// <summary>The spans of one trace in the order of a tree, and what keeps them from being one.</summary>
internal sealed class TraceTree
{
    private TraceTree(IReadOnlyList<Node> roots, IReadOnlyList<Node> orphans, IReadOnlyList<Span> duplicates)
    {
        Roots = roots;
        Orphans = orphans;
        Duplicates = duplicates;
    }

    /// <summary>Spans without a parent: exactly one in a whole tree.</summary>
    public IReadOnlyList<Node> Roots { get; }

    /// <summary>Spans whose parent has not arrived: none in a whole tree.</summary>
    public IReadOnlyList<Node> Orphans { get; }

    /// <summary>Spans whose id had come before: none in a whole tree.</summary>
    public IReadOnlyList<Span> Duplicates { get; }

    /// <summary>Every span once, parents before children, children by their start; orphans with their own children come last.</summary>
    public IEnumerable<Node> Nodes => Roots.Concat(Orphans).SelectMany(Walk);

    public static TraceTree Of(IEnumerable<Span> spans)
    {
        var byId = new Dictionary<string, Span>();
        var duplicates = new List<Span>();
        foreach (var span in spans)
        {
            if (!byId.TryAdd(span.SpanId, span))
                duplicates.Add(span);
        }

        var children = byId.Values.OrderBy(span => span.Start).ThenBy(span => span.SpanId, StringComparer.Ordinal).ToLookup(span => span.ParentId);
        var reached = new HashSet<string>();
        var roots = children[null].Select(span => Grow(span, 0)).ToArray();
        var orphans = new List<Node>();
        // First the spans whose parent is missing, then whatever is left: rings of spans that are each other's ancestors.
        foreach (var span in byId.Values.OrderBy(span => byId.ContainsKey(span.ParentId ?? "")))
        {
            if (!reached.Contains(span.SpanId))
                orphans.Add(Grow(span, 0));
        }

        return new TraceTree(roots, orphans, duplicates);

        Node Grow(Span span, int depth)
        {
            reached.Add(span.SpanId);
            return new Node(span, depth, [.. children[span.SpanId].Where(child => !reached.Contains(child.SpanId)).Select(child => Grow(child, depth + 1))]);
        }
    }

    /// <summary>What keeps this from being one tree: a sentence each, none when it is one.</summary>
    public IEnumerable<string> Faults()
    {
        if (Roots.Count == 0)
            yield return "there is no root";
        if (Roots.Count > 1)
            yield return $"there are {Roots.Count} roots: {string.Join(", ", Roots.Select(root => Describe(root.Span)))}";
        foreach (var orphan in Orphans)
            yield return $"the parent {orphan.Span.ParentId} of {Describe(orphan.Span)} is missing";
        foreach (var duplicate in Duplicates)
            yield return $"{Describe(duplicate)} arrived twice";
    }

    public static string Describe(Span span) => $"{span.Service} '{span.Name}' ({span.Kind} {span.SpanId})";

    private static IEnumerable<Node> Walk(Node node) => node.Children.SelectMany(Walk).Prepend(node);

    /// <summary>A span and its children.</summary>
    internal sealed record Node(Span Span, int Depth, IReadOnlyList<Node> Children);
}
