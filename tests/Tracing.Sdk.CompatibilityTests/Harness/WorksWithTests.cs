using System.Reflection;
using System.Text;
using System.Xml.Linq;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>The tables of libraries in the pages are made from the tests that run them.</summary>
public sealed class WorksWithTests
{
    private const string Begin = "<!-- works with: made by WorksWithTests -->";
    private const string End = "<!-- works with: end -->";

    private static readonly string Root = typeof(WorksWithTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(m => m.Key == "RepositoryRoot").Value!;

    private static readonly Dictionary<string, string> Versions = XDocument.Load(Path.Combine(Root, "Directory.Packages.props"))
        .Descendants("PackageVersion").ToDictionary(e => (string)e.Attribute("Include")!, e => (string)e.Attribute("Version")!);

    private static readonly ILookup<string, WorksWithAttribute> Groups = typeof(WorksWithTests).Assembly.GetTypes()
        .SelectMany(type => type.GetCustomAttributes<WorksWithAttribute>().Select(library => (Group: type.Namespace!.Split('.')[^1], library)))
        .OrderBy(row => row.Group, StringComparer.Ordinal).ThenBy(row => row.library.Package, StringComparer.OrdinalIgnoreCase)
        .ToLookup(row => row.Group, row => row.library);

    [Fact]
    public void ReadmeTable_IsFresh()
    {
        var table = new StringBuilder("| | |\n|---|---|\n");
        foreach (var group in Groups) table.Append($"| {NameOf(group.Key)} | {string.Join(", ", NamesOf(group))} |\n");
        MatchSection("README.md", table.ToString());
    }

    [Fact]
    public void PageTable_IsFresh()
    {
        var tables = new StringBuilder();
        foreach (var group in Groups)
        {
            tables.Append($"## {NameOf(group.Key)}\n\n| library | tested | spans | to do |\n|---|---|---|---|\n");
            foreach (var library in group) tables.Append($"| {(library.IsPlatform ? library.Package : $"`{library.Package}`")} | {VersionOf(library)} | {library.Spans} | {library.SetUp ?? "nothing"} |\n");
            tables.Append('\n');
        }

        MatchSection("docs/libraries.md", tables.ToString().TrimEnd('\n') + "\n");
    }

    private static IEnumerable<string> NamesOf(IEnumerable<WorksWithAttribute> libraries) =>
        libraries.Select(library => library.Name ?? library.Package).Distinct().Order(StringComparer.OrdinalIgnoreCase);

    private static string VersionOf(WorksWithAttribute library) => library.IsPlatform ? $".NET {Environment.Version.Major}" : Versions[library.Package];

    private static string NameOf(string folder) => folder == "OpenTelemetry" ? folder : string.Concat(folder.Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : $"{c}"));

    // With UPDATE_GENERATED=1 in the environment the page is written instead.
    private static void MatchSection(string page, string text)
    {
        var file = Path.Combine(Root, page);
        var current = File.ReadAllText(file).ReplaceLineEndings("\n");
        var (begin, end) = (current.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, current.IndexOf(End, StringComparison.Ordinal));
        var expected = $"{current[..begin]}\n\n{text}\n{current[end..]}";
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1") File.WriteAllText(file, expected);
        else Assert.True(current == expected, $"{page} is stale. Run this test with UPDATE_GENERATED=1 in the environment, and review the difference.");
    }
}
