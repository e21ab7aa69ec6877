using System.Runtime.CompilerServices;
using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Tracing.Sdk.IntegrationTests.Packages;

namespace Tracing.Sdk.IntegrationTests.Documentation;

/// <summary>A fenced block of a page.</summary>
/// <param name="Page">The page, relative to the repository.</param>
/// <param name="Line">The line of its fence, from 1.</param>
/// <param name="Language">The first word after the fence.</param>
/// <param name="Arguments">The words after that, such as <c>envoy</c>, <c>istio</c>, <c>collector</c> or <c>log</c>.</param>
/// <param name="Text">Its lines.</param>
internal sealed record CodeBlock(string Page, int Line, string Language, string Arguments, string Text);

/// <summary>The Markdown pages of the repository.</summary>
internal static class DocumentationPages
{
    private static readonly MarkdownPipeline Pipeline =
        new MarkdownPipelineBuilder().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).UsePipeTables().UseAutoLinks().Build();

    private static readonly ConditionalWeakTable<string, MarkdownDocument> Parsed = [];

    public static IReadOnlyList<string> All { get; } =
    [
        .. new[] { ".", "docs", "samples", "src/Tracing.Sdk", "src/Tracing.Sdk.AspNetCore", "tests/Consumers" }
            .Select(folder => Path.Combine(PackageFixture.RepositoryRoot, folder))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.GetFiles(folder, "*.md"))
            .Select(file => Path.GetRelativePath(PackageFixture.RepositoryRoot, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    public static IEnumerable<CodeBlock> Blocks => All.SelectMany(page => Parse(page)
        .Descendants<FencedCodeBlock>()
        .Select(block => new CodeBlock(page, block.Line + 1, block.Info ?? "", block.Arguments ?? "", block.Lines.ToString())));

    public static string PathOf(string page) => Path.Combine(PackageFixture.RepositoryRoot, page);

    /// <summary>The words that the page sets as code within a sentence or a table.</summary>
    public static IEnumerable<string> CodeSpans(string page) => Parse(page).Descendants<CodeInline>().Select(code => code.Content).Distinct();

    /// <summary>The targets of the page's links and pictures.</summary>
    public static IEnumerable<string> Links(string page) =>
        Parse(page).Descendants<LinkInline>().Select(link => link.Url ?? "").Where(url => url.Length > 0).Distinct();

    /// <summary>The anchors of the page's headings.</summary>
    public static IEnumerable<string> Anchors(string page) =>
        Parse(page).Descendants<HeadingBlock>().Select(heading => heading.TryGetAttributes()?.Id ?? "");

    private static MarkdownDocument Parse(string page) =>
        Parsed.GetValue(string.Intern(page), static name => Markdown.Parse(File.ReadAllText(PathOf(name)), Pipeline));
}
