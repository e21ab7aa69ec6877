using System.Text;
using MeshDemo.Traces;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>A trace as indented lines, "service KIND" each, so that a whole tree is compared at once and read at a glance.</summary>
internal static class SpanOutline
{
    /// <param name="spans">All spans of a trace.</param>
    /// <param name="remoteParent">The id that came in from outside the mesh: its children are roots here.</param>
    public static string Of(IReadOnlyList<CollectedSpan> spans, string? remoteParent = null)
    {
        var text = new StringBuilder();
        var ids = spans.Select(span => span.Id).ToHashSet();
        foreach (var root in spans.Where(span => span.ParentId is null || span.ParentId == remoteParent))
            Append(root, 0);
        foreach (var orphan in spans.Where(span => span.ParentId is { } parent && parent != remoteParent && !ids.Contains(parent)))
        {
            text.Append("orphan of ").Append(orphan.ParentId).Append('\n');
            Append(orphan, 1);
        }

        foreach (var id in ids.Where(id => spans.Count(span => span.Id == id) > 1))
            text.Append("twice: ").Append(id).Append('\n');
        return text.ToString();

        void Append(CollectedSpan span, int depth)
        {
            text.Append(' ', 2 * depth).Append(span.Service).Append(' ').Append(span.Kind).Append('\n');
            foreach (var child in spans.Where(child => child.ParentId == span.Id).OrderBy(child => child.StartMicroseconds))
                Append(child, depth + 1);
        }
    }

    /// <param name="expected">The outline that the spans must have.</param>
    /// <param name="spans">All spans of a trace.</param>
    /// <param name="logs">What the programs said, for the message.</param>
    /// <param name="remoteParent">The id that came in from outside the mesh.</param>
    public static void AssertEqual(string expected, IReadOnlyList<CollectedSpan> spans, Func<string> logs, string? remoteParent = null)
    {
        var actual = Of(spans, remoteParent);
        if (expected != actual)
            Assert.Fail($"Expected:\n{expected}\nbut the backend has:\n{actual}\nand the programs said:\n{logs()}");
    }

    /// <summary>The same for a backend whose answer the demo reads.</summary>
    public static void AssertEqual(string expected, IReadOnlyList<Span> spans, Func<string> logs) => AssertEqual(expected, [.. spans.Select(Collected)], logs);

    /// <summary>A chain in which each is the child of the one before, and at its end a second one, <paramref name="times"/> times.</summary>
    public static string Chain(IReadOnlyList<string> stem, IReadOnlyList<string> branch, int times = 1)
    {
        var text = new StringBuilder();
        Append(stem, 0);
        for (var time = 0; time < times; time++)
            Append(branch, stem.Count);
        return text.ToString();

        void Append(IReadOnlyList<string> links, int depth)
        {
            foreach (var link in links)
                text.Append(' ', 2 * depth++).Append(link).Append('\n');
        }
    }

    private static CollectedSpan Collected(Span span) => new()
    {
        Format = SpanFormat.Otlp,
        TraceId = span.TraceId,
        TraceIdAsSent = span.TraceId,
        Id = span.SpanId,
        ParentId = span.ParentId,
        Kind = span.Kind,
        Service = span.Service,
        StartMicroseconds = span.Start,
    };
}
