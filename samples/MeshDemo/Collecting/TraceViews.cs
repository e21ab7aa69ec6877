using MeshDemo.Traces;

namespace MeshDemo.Collecting;

// What /api/traces and /api/traces/{id} answer, and the page reads.

/// <summary>The latest traces.</summary>
/// <param name="Dropped">Spans that found no room.</param>
internal sealed record TraceList(long Dropped, IReadOnlyList<TraceSummary> Traces);

/// <summary>A line of the list.</summary>
/// <param name="Start">Microseconds since 1970.</param>
/// <param name="Duration">Microseconds, from the first start to the last end.</param>
internal sealed record TraceSummary(
    string TraceId, string Service, string Name, string? HttpStatus, long Start, long Duration, int Spans, int Errors, IReadOnlyList<string> Services)
{
    public static TraceSummary Of(IReadOnlyList<Span> spans)
    {
        var root = spans.FirstOrDefault(span => span.ParentId is null) ?? spans.MinBy(span => span.Start)!;
        // A proxy names its span after a route; the span of the first service has the path.
        var entry = spans.Where(span => span.Kind == "SERVER" && span.Tags.ContainsKey("url.path")).MinBy(span => span.Start);
        var start = spans.Min(span => span.Start);
        return new TraceSummary(
            root.TraceId, root.Service, entry is null ? root.Name : $"{entry.Tags.GetValueOrDefault("http.request.method")} {entry.Tags["url.path"]}",
            root.HttpStatus, start, spans.Max(span => span.Start + span.Duration) - start, spans.Count, spans.Count(span => span.IsError),
            [.. spans.OrderBy(span => span.Start).Select(span => span.Service).Distinct()]);
    }
}

/// <summary>A whole trace: its spans in the order of the tree.</summary>
/// <param name="Faults">What keeps it from being one tree, a sentence each.</param>
internal sealed record TraceView(string TraceId, long Start, long Duration, IReadOnlyList<string> Faults, IReadOnlyList<TraceView.Row> Rows)
{
    public static TraceView Of(IReadOnlyList<Span> spans)
    {
        var tree = TraceTree.Of(spans);
        var start = spans.Min(span => span.Start);
        return new TraceView(
            spans[0].TraceId, start, spans.Max(span => span.Start + span.Duration) - start,
            [.. tree.Faults()], [.. tree.Nodes.Select(node => new Row(node.Depth, node.Span))]);
    }

    /// <summary>A span and how deep in the tree it is; the root is at 0.</summary>
    internal sealed record Row(int Depth, Span Span);
}
