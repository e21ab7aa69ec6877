using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;
using YamlDotNet.RepresentationModel;

namespace Tracing.Sdk.IntegrationTests.Documentation;

/// <summary>Blocks, links and names of files in the pages.</summary>
public sealed partial class DocumentationTests
{
    private const string Project = "https://github.com/tracing-sdk/tracing-sdk-dotnet/blob/main/";
    private const string Pictures = "https://raw.githubusercontent.com/tracing-sdk/tracing-sdk-dotnet/main/";

    // By name alone: a sentence that has named the folder need not repeat it.
    private static readonly HashSet<string> SourceFiles =
        [.. Directory.EnumerateFiles(DocumentationPages.PathOf("src"), "*.cs", SearchOption.AllDirectories).Select(file => Path.GetFileName(file))];

    private static readonly string[] Languages = ["csharp", "json", "yaml", "sh", "text", "diff"];

    private static readonly JsonDocumentOptions JsonWithComments = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static TheoryData<string, int> CSharp => Of("csharp");

    public static TheoryData<string, int> Json => Of("json");

    public static TheoryData<string, int> Settings => Of("json", "\"MeshTracing\"");

    public static TheoryData<string, int> Yaml => Of("yaml");

    public static TheoryData<string, int> Shell => Of("sh");

    public static TheoryData<string> Pages => [.. DocumentationPages.All];

    // A block that names a file is an excerpt of it.
    [Theory]
    [MemberData(nameof(CSharp))]
    public void CSharpBlock_AsWritten_CompilesOrIsInItsFile(string page, int line)
    {
        var block = Block(page, line);
        if (block.Arguments.Length == 0) Assert.Empty(CSharpSnippet.Errors(block.Text));
        else Assert.Contains(block.Text.Trim(), File.ReadAllText(DocumentationPages.PathOf(block.Arguments)).Replace("\n    ", "\n", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Json))]
    public void JsonBlock_AsWritten_Parses(string page, int line)
    {
        using var document = JsonDocument.Parse(Block(page, line).Text, JsonWithComments);
        Assert.NotEqual(JsonValueKind.Null, document.RootElement.ValueKind);
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public async Task JsonBlock_WithSettings_StartsAService(string page, int line)
    {
        var folder = Directory.CreateTempSubdirectory("documentation-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "appsettings.json"), Block(page, line).Text);
            await using var service = await ServiceProcess.StartAsync("documented-service", TestService.Dll, new Dictionary<string, string>(), ["--contentRoot", folder.FullName]);
            // Not the tail for people, which cuts a long start line.
            await service.Process.WaitForLineAsync(
                line => line.Contains("(MeshTracing)", StringComparison.Ordinal) ? line : null, "name a setting of the section", TimeSpan.FromSeconds(5), CancellationToken.None);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Yaml))]
    public async Task YamlBlock_AsWritten_IsValid(string page, int line)
    {
        var block = Block(page, line);
        var stream = new YamlStream();
        stream.Load(new StringReader(block.Text));
        Assert.NotEmpty(stream.Documents);
        switch (block.Arguments)
        {
            case "envoy":
                MeshTools.RequireEnvoy();
                await ValidateAsync(block.Text, MeshTools.EnvoyPath!, "--mode", "validate", "-c");
                break;
            case "istio":
                MeshTools.RequireIstioctl();
                await ValidateAsync(block.Text, MeshTools.IstioctlPath!, "validate", "-f");
                break;
            case "collector":
                MeshTools.RequireCollector();
                await ValidateAsync(block.Text, MeshTools.CollectorPath!, "validate", "--config");
                break;
        }
    }

    [Theory]
    [MemberData(nameof(Shell))]
    public async Task ShellBlock_AsWritten_IsShellAndNamesProjectsThatExist(string page, int line)
    {
        var text = Block(page, line).Text;
        Assert.All(ProjectOption().Matches(text), match => Assert.True(Directory.Exists(DocumentationPages.PathOf(match.Groups[1].Value)), $"There is no {match.Groups[1].Value}."));
        if (OperatingSystem.IsWindows()) return;
        await ValidateAsync(text, "bash", "-n");
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_Blocks_SayTheirLanguage(string page) => Assert.All(
        DocumentationPages.Blocks.Where(block => block.Page == page && block.Language.Length > 0),
        block => Assert.Contains(block.Language, Languages));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_LinksIntoTheRepository_LeadSomewhere(string page) => Assert.All(DocumentationPages.Links(page), url =>
    {
        var link = url.Replace(Project, "/", StringComparison.Ordinal).Replace(Pictures, "/", StringComparison.Ordinal);
        if (link.Contains("://", StringComparison.Ordinal)) return;
        var folder = link.StartsWith('/') ? "" : Path.GetDirectoryName(page)!;
        var (path, anchor) = link.TrimStart('/').Split('#', 2) is [var before, var after] ? (before, after) : (link.TrimStart('/'), "");
        var target = path.Length == 0 ? page : Path.GetRelativePath(DocumentationPages.PathOf("."), DocumentationPages.PathOf(Path.Combine(folder, path))).Replace('\\', '/');
        var file = DocumentationPages.PathOf(target);
        Assert.True(File.Exists(file) || Directory.Exists(file), $"{page}: {url} leads nowhere.");
        if (anchor.Length > 0) Assert.Contains(anchor, DocumentationPages.Anchors(target));
    });

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_FilesThatItNames_Exist(string page) => Assert.All(
        DocumentationPages.CodeSpans(page).Where(code => RepositoryPath().IsMatch(code)),
        code => Assert.True(
            new[] { "", Path.GetDirectoryName(page)!, "src/Tracing.Sdk", "src/Tracing.Sdk.AspNetCore", "samples", "samples/envoy" }
                .Select(folder => Path.Combine(DocumentationPages.PathOf(folder), code))
                .Any(path => File.Exists(path) || Directory.Exists(path)) || SourceFiles.Contains(code),
            $"{page} names {code}, which is not there."));

    [Theory]
    [InlineData("src/Tracing.Sdk/README.md")]
    [InlineData("src/Tracing.Sdk.AspNetCore/README.md")]
    public void PackagePage_OfTheGallery_BeginsWithLineAndPictureAndHasAbsoluteLinks(string page)
    {
        var lines = File.ReadAllLines(DocumentationPages.PathOf(page)).Where(line => line.Length > 0).ToArray();
        Assert.StartsWith("# Tracing.Sdk", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("Distributed tracing for ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("![", lines[2], StringComparison.Ordinal);
        Assert.All(DocumentationPages.Links(page), url => Assert.StartsWith("https://", url, StringComparison.Ordinal));
    }

    private static TheoryData<string, int> Of(string language, string text = "")
    {
        var data = new TheoryData<string, int>();
        foreach (var block in DocumentationPages.Blocks.Where(block => block.Language == language && block.Text.Contains(text, StringComparison.Ordinal))) data.Add(block.Page, block.Line);
        return data;
    }

    private static CodeBlock Block(string page, int line) => DocumentationPages.Blocks.Single(block => block.Page == page && block.Line == line);

    private static async Task ValidateAsync(string text, string program, params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("documentation-");
        try
        {
            var file = Path.Combine(folder.FullName, "block.yaml");
            await File.WriteAllTextAsync(file, text);
            using var process = Process.Start(new ProcessStartInfo(program, [.. arguments, file]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, await output + await errors);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex("--project (\\S+)")]
    private static partial Regex ProjectOption();

    [GeneratedRegex(@"^(src|tests|samples|docs|build|\.ci)/[\w./-]*$|^[\w./-]+\.(cs|props|targets|sh|yaml|yml)$")]
    private static partial Regex RepositoryPath();
}
