using System.Text.RegularExpressions;

namespace Tracing.Sdk.IntegrationTests.Documentation;

/// <summary>Log lines, events, instruments and drop reasons in the pages are those of the source.</summary>
public sealed partial class LogDocumentationTests
{
    private const string Delivery = "docs/delivery.md";

    // Interpolated strings as their literal parts: "a " + $"{b} c" is one text, and \" is a quote.
    private static readonly string[] Sources =
    [
        .. Directory.GetFiles(DocumentationPages.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(file => Concatenation().Replace(File.ReadAllText(file), "").Replace("\\\"", "\"", StringComparison.Ordinal)),
    ];

    /// <summary>The lines of blocks marked as "text log", and code within sentences that has an ellipsis.</summary>
    public static TheoryData<string, string> LogLines
    {
        get
        {
            var blocks = DocumentationPages.Blocks.Where(block => block is { Language: "text", Arguments: "log" })
                .SelectMany(block => block.Text.Split('\n').Where(line => line.Length > 0).Select(line => (block.Page, line)));
            var spans = DocumentationPages.CodeSpans("docs/no-traces.md").Where(code => code.Contains("...", StringComparison.Ordinal)).Select(code => ("docs/no-traces.md", code));
            var data = new TheoryData<string, string>();
            // A page may quote a line twice.
            foreach (var (page, line) in blocks.Concat(spans).Distinct()) data.Add(page, line);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(LogLines))]
    public void LogLine_OfAPage_IsInTheSource(string page, string line)
    {
        // "..." stands for text that differs.
        var parts = line.Split("...").Select(part => part.Trim(' ', '.')).Where(part => part.Length > 1).ToArray();
        Assert.NotEmpty(parts);
        Assert.True(Array.Exists(Sources, source => Array.TrueForAll(parts, part => source.Contains(part, StringComparison.Ordinal))), $"{page}: no source file has all parts of: {line}");
    }

    [Fact]
    public void Events_OfDelivery_AreThoseOfTheSource() => Assert.Equal(
        Sources.SelectMany(source => LoggerMessage().Matches(source)).Select(match => int.Parse(match.Groups[1].Value, null)).Order(),
        Rows(EventRow()).Select(int.Parse).Order());

    [Fact]
    public void DropReasons_OfDelivery_AreThoseOfTheSource()
    {
        var names = Sources.Select(source => ReasonNames().Match(source)).Single(match => match.Success).Groups[1].Value;
        Assert.Equal(Quoted().Matches(names).Select(match => match.Groups[1].Value).Order(), Rows(ReasonRow()).Order());
    }

    [Fact]
    public void Instruments_OfDelivery_AreThoseOfTheSource()
    {
        var instruments = Sources.SelectMany(source => Instrument().Matches(source)).Select(match => match.Groups[1].Value).Where(name => name.StartsWith("otel.sdk.", StringComparison.Ordinal) || name.StartsWith("tracing.sdk.", StringComparison.Ordinal));
        Assert.Equal(
            instruments.Distinct().Order(),
            DocumentationPages.CodeSpans(Delivery).Where(code => code.StartsWith("otel.sdk.", StringComparison.Ordinal) || code.StartsWith("tracing.sdk.", StringComparison.Ordinal))
                .Where(code => code != "tracing.sdk.decision.reason").Order());
    }

    [Fact]
    public void Decisions_OfDelivery_AreThoseOfTheSource() => Assert.Equal(
        Sources.SelectMany(source => Decision().Matches(source)).Select(match => $"{match.Groups[2].Value} {match.Groups[1].Value}"),
        DecisionRow().Matches(File.ReadAllText(DocumentationPages.PathOf(Delivery))).Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}"));

    private static IEnumerable<string> Rows(Regex row) => row.Matches(File.ReadAllText(DocumentationPages.PathOf(Delivery))).Select(match => match.Groups[1].Value);

    [GeneratedRegex("\"\\s*\\+\\s*\\$?\"")]
    private static partial Regex Concatenation();

    [GeneratedRegex(@"\[LoggerMessage\((?:EventId = )?(\d+)")]
    private static partial Regex LoggerMessage();

    [GeneratedRegex(@"^\| (\d+) \| (?:Information|Warning)", RegexOptions.Multiline)]
    private static partial Regex EventRow();

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex ReasonRow();

    [GeneratedRegex(@"Names = \[(""queue_full""[^\]]*)\]")]
    private static partial Regex ReasonNames();

    [GeneratedRegex(@"^\s+\(""(\w+)"", ""([^""]+)""\),", RegexOptions.Multiline)]
    private static partial Regex Decision();

    [GeneratedRegex(@"^\| ([a-z][^|`]+) \| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex DecisionRow();

    [GeneratedRegex("\"(\\w+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"(?:Counter|Histogram<double>|Observe)\(\s*""([a-z._]+)""")]
    private static partial Regex Instrument();
}
