using System.Text;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Spans as indented lines, <c>KIND name</c> each, so that a test compares a whole tree and can be read at a glance.</summary>
internal static class TraceOutline
{
    /// <summary>All spans: first those below the caller of <see cref="TracedApp.GetAsync"/>, then each other trace below a line <c>root</c>.</summary>
    public static string Of(IReadOnlyList<CollectedSpan> spans)
    {
        var text = new StringBuilder();
        var ids = spans.Select(span => span.Id).ToHashSet();
        foreach (var span in spans.Where(span => span is { TraceId: TracedApp.TraceId, ParentId: TracedApp.CallerId }).OrderBy(Start)) Append(span, 0);
        foreach (var span in spans.Where(span => span.ParentId is null).OrderBy(Start))
        {
            text.Append("root\n");
            Append(span, 1);
        }

        foreach (var span in spans.Where(span => span.ParentId is { } parent && parent != TracedApp.CallerId && !ids.Contains(parent)).OrderBy(Start))
        {
            text.Append("orphan of ").Append(span.ParentId).Append('\n');
            Append(span, 1);
        }

        return text.ToString().TrimEnd('\n');

        void Append(CollectedSpan span, int depth)
        {
            text.Append(' ', 2 * depth).Append(span.Kind ?? "INTERNAL").Append(' ').Append(span.Name).Append(span.Status == 2 ? " !" : "").Append('\n');
            foreach (var child in spans.Where(child => child.ParentId == span.Id && child.TraceId == span.TraceId).OrderBy(Start)) Append(child, depth + 1);
        }

        static long Start(CollectedSpan span) => span.StartMicroseconds;
    }
}
