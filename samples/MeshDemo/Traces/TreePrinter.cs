using System.Globalization;
using System.Text;

namespace MeshDemo.Traces;

/// <summary>Prints a trace as a tree: service, name, kind, duration, status, and a bar for the time.</summary>
/// <param name="output">Where to.</param>
/// <param name="width">Columns of the terminal.</param>
/// <param name="useColour">ANSI colours: one for each service, red for errors.</param>
internal sealed class TreePrinter(TextWriter output, int width, bool useColour)
{
    private const int KindWidth = 8, DurationWidth = 9, StatusWidth = 6, MinLabel = 24, MinBar = 10, MaxBar = 48;
    private const string Red = "31";
    private static readonly string[] Colours = ["36", "33", "35", "32", "34", "96", "93", "95"];

    /// <summary>For the console of this process: its width, and colours if the output is a terminal and NO_COLOR is not set.</summary>
    public static TreePrinter ForConsole()
    {
        var isTerminal = !Console.IsOutputRedirected;
        var columns = isTerminal && Console.WindowWidth > 0 ? Console.WindowWidth
            : int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), CultureInfo.InvariantCulture, out var wished) ? wished : 120;
        var colour = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") != "dumb";
        return new TreePrinter(Console.Out, columns, colour);
    }

    public void Print(TraceTree tree)
    {
        var nodes = tree.Nodes.ToArray();
        if (nodes.Length == 0)
            return;

        var start = nodes.Min(node => node.Span.Start);
        var total = Math.Max(1, nodes.Max(node => node.Span.Start + node.Span.Duration) - start);
        var colours = nodes.Select(node => node.Span.Service).Distinct().Index().ToDictionary(entry => entry.Item, entry => Colours[entry.Index % Colours.Length]);
        var branches = Branches(tree).ToArray();

        // The label takes what it needs, as long as a bar is left; a narrow terminal does without the kind.
        var fixedWidth = DurationWidth + StatusWidth + 3;
        var showKind = width >= MinLabel + MinBar + fixedWidth + KindWidth + 20;
        if (showKind)
            fixedWidth += KindWidth + 1;
        var longest = nodes.Zip(branches, (node, branch) => branch.Length + node.Span.Service.Length + 1 + node.Span.Name.Length).Max();
        var labelWidth = Math.Clamp(longest, MinLabel, Math.Max(MinLabel, width - fixedWidth - MinBar));
        var barWidth = Math.Clamp(width - fixedWidth - labelWidth, 0, MaxBar);

        foreach (var (node, branch) in nodes.Zip(branches))
        {
            var span = node.Span;
            var line = new StringBuilder();
            AppendLabel(line, branch, span, labelWidth, colours[span.Service]);
            if (showKind)
                line.Append(' ').Append(span.Kind.PadRight(KindWidth));
            line.Append(' ').Append(Milliseconds(span.Duration).PadLeft(DurationWidth));
            line.Append(' ').Append(Paint(Status(span).PadLeft(StatusWidth), span.IsError ? Red : null));
            line.Append(' ').Append(Paint(Bar(span, start, total, barWidth), span.IsError ? Red : colours[span.Service]));
            output.WriteLine(line.ToString().TrimEnd());
        }
    }

    /// <summary>Three digits that matter: 1.23 ms, 12.3 ms, 123 ms.</summary>
    public static string Milliseconds(long microseconds) => (microseconds / 1000.0) switch
    {
        var ms and < 10 => string.Create(CultureInfo.InvariantCulture, $"{ms:0.00} ms"),
        var ms and < 100 => string.Create(CultureInfo.InvariantCulture, $"{ms:0.0} ms"),
        var ms => string.Create(CultureInfo.InvariantCulture, $"{ms:0} ms"),
    };

    // The lines that lead from a parent to its children, in the order of TraceTree.Nodes. Every orphan begins a tree of its own.
    private static IEnumerable<string> Branches(TraceTree tree)
    {
        return tree.Roots.Concat(tree.Orphans).SelectMany(root => Below(root, "", ""));

        static IEnumerable<string> Below(TraceTree.Node node, string own, string rest)
        {
            yield return own;
            foreach (var (index, child) in node.Children.Index())
            {
                var isLast = index == node.Children.Count - 1;
                foreach (var branch in Below(child, rest + (isLast ? "└ " : "├ "), rest + (isLast ? "  " : "│ ")))
                    yield return branch;
            }
        }
    }

    private void AppendLabel(StringBuilder line, string branch, Span span, int labelWidth, string colour)
    {
        var text = $"{branch}{Clean(span.Service)} {Clean(span.Name)}";
        if (text.Length > labelWidth)
            text = text[..(labelWidth - 1)] + "…";
        var nameAt = Math.Min(text.Length, branch.Length + span.Service.Length);
        line.Append(text, 0, Math.Min(branch.Length, nameAt)).Append(Paint(text[Math.Min(branch.Length, nameAt)..nameAt], colour)).Append(text, nameAt, text.Length - nameAt);
        line.Append(' ', labelWidth - text.Length);
    }

    private static string Status(Span span) => span.HttpStatus ?? (span.IsError ? "error" : "");

    private static string Bar(Span span, long start, long total, int barWidth)
    {
        if (barWidth == 0)
            return "";
        var from = (int)Math.Clamp((span.Start - start) * barWidth / total, 0, barWidth - 1);
        var cells = (int)Math.Clamp((long)Math.Round((double)span.Duration * barWidth / total), 0, barWidth - from);
        return new string(' ', from) + (cells == 0 ? "▏" : new string('█', cells));
    }

    // Control characters in names of spans would move the cursor.
    private static string Clean(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    private string Paint(string text, string? colour) => useColour && colour is not null ? $"\e[{colour}m{text}\e[0m" : text;
}
