using System.Text;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>
/// A trace on one line: each span is followed by its child; where it has several, all but the deepest stand in brackets. A server's span of
/// Zipkin that has the id of its caller's is the child of that.
/// </summary>
internal static class LanguageOutline
{
    /// <param name="spans">All spans of a trace.</param>
    /// <param name="clientSpan">The id that came from outside: where a root is its child, the line begins with <c>client</c>.</param>
    public static string Of(IReadOnlyList<CollectedSpan> spans, string clientSpan)
    {
        // Two spans may have one id where the server's is shared. What names that id as its parent is below the server's.
        var own = spans.Where(span => !span.Shared).ToLookup(span => span.Id);
        var shared = spans.Where(span => span.Shared).ToLookup(span => span.Id);
        var parts = spans.Where(IsTop).OrderBy(span => span.StartMicroseconds).Select(Top)
            .Concat(own.Where(group => group.Count() > 1).Select(group => $"twice {group.Key}"))
            .Concat(shared.Where(group => group.Count() > 1).Select(group => $"shared twice {group.Key}"));
        return string.Join(" | ", parts);

        bool IsTop(CollectedSpan span) => span.Shared
            ? !own.Contains(span.Id)
            : span.ParentId is not { } parent || (!own.Contains(parent) && !shared.Contains(parent));

        string Top(CollectedSpan span)
        {
            var text = new StringBuilder();
            var parent = span.Shared ? span.Id : span.ParentId;
            if (parent is not null) text.Append(parent == clientSpan ? "client " : $"orphan of {parent} ");
            Append(text, span);
            return text.ToString();
        }

        IEnumerable<CollectedSpan> Children(CollectedSpan span) => span.Shared || !shared.Contains(span.Id)
            ? spans.Where(child => child.ParentId == span.Id && !child.Shared)
            : shared[span.Id];

        void Append(StringBuilder text, CollectedSpan span)
        {
            text.Append(span.Service).Append(' ').Append(span.Kind);
            var children = Children(span).OrderBy(Depth).ThenBy(child => child.StartMicroseconds).ToList();
            foreach (var child in children)
            {
                var isDeepest = child == children[^1];
                text.Append(isDeepest ? " " : " (");
                Append(text, child);
                if (!isDeepest) text.Append(')');
            }
        }

        int Depth(CollectedSpan span) => 1 + Children(span).Select(Depth).DefaultIfEmpty().Max();
    }
}
