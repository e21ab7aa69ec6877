using System.IO.Compression;
using System.Security.Cryptography;
using System.Xml.Linq;
using MeshDemo.Processes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Tracing.Sdk.IntegrationTests.Packages;

/// <summary>The packages as their users get them.</summary>
public sealed class PackageTests(PackageFixture packages) : IClassFixture<PackageFixture>
{
    [Fact]
    public async Task WebService_ThatReferencesOnlyThePackage_SendsItsSpans()
    {
        var consumer = await packages.BuildConsumerAsync("WebConsumer");
        await using var service = await ServiceProcess.StartAsync("web-consumer", consumer, new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = packages.Collector.Address,
        });
        using var http = LocalHttp.CreateClient();
        Assert.Equal("Hello mesh", await http.GetStringAsync(new Uri(service.Address, "/hello/mesh")));

        var server = await packages.Collector.WaitForAsync("The server span", spans => spans.FirstOrDefault(span => span.Kind == "SERVER"));
        Assert.Equal("WebConsumer", server.Service);
        Assert.Equal("GET /hello/{name}", server.Name);
    }

    [Fact]
    public async Task Job_ThatReferencesOnlyThePackage_SendsItsSpansBeforeItEnds()
    {
        var consumer = await packages.BuildConsumerAsync("WorkerConsumer");
        await using var job = ChildProcess.Start("worker-consumer", "dotnet", [consumer, packages.Collector.Address + "/nothing-here"], new Dictionary<string, string>
        {
            ["OTEL_SERVICE_NAME"] = "worker-consumer",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = packages.Collector.Address,
        });
        await job.Exited;

        var spans = packages.Collector.Spans.Where(span => span.Service == "worker-consumer").ToList();
        var root = Assert.Single(spans, span => span.Name == "nightly job");
        var call = Assert.Single(spans, span => span.Kind == "CLIENT");
        Assert.Null(root.ParentId);
        Assert.Equal((root.TraceId, root.Id), (call.TraceId, call.ParentId));
        Assert.Equal(2, spans.Count);
    }

    [Fact]
    public async Task Package_HasTheSchemaWhereEditorsLook()
    {
        await using var package = await ZipFile.OpenReadAsync(Path.Combine(packages.Feed, $"Tracing.Sdk.{packages.Version}.nupkg"));

        Assert.NotNull(package.GetEntry("ConfigurationSchema.json"));
        using var targets = new StreamReader(await package.GetEntry("buildTransitive/Tracing.Sdk.targets")!.OpenAsync());
        Assert.Contains("""<JsonSchemaSegment Include="$(MSBuildThisFileDirectory)../ConfigurationSchema.json" """, await targets.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Tracing.Sdk")]
    [InlineData("Tracing.Sdk.AspNetCore")]
    public async Task Package_Files_AreAssemblyDocumentationReadmeIconAndSymbols(string name)
    {
        await using var package = await OpenAsync(name);
        var files = package.Entries.Select(entry => entry.FullName).ToList();
        Assert.Contains($"lib/net10.0/{name}.dll", files);
        Assert.Contains($"lib/net10.0/{name}.xml", files);
        Assert.Contains("README.md", files);
        Assert.Contains("icon.png", files);
        Assert.True(File.Exists(Path.Combine(packages.Feed, $"{name}.{packages.Version}.snupkg")), "There is no symbol package.");
    }

    [Theory]
    [InlineData("Tracing.Sdk")]
    [InlineData("Tracing.Sdk.AspNetCore")]
    public async Task Package_Specification_NamesLicenceIconReadmeProjectAndReleaseNotes(string name)
    {
        const string project = "https://github.com/tracing-sdk/tracing-sdk-dotnet";
        var metadata = await ReadMetadataAsync(name);
        Assert.Equal("Apache-2.0", Value("license"));
        Assert.Equal("icon.png", Value("icon"));
        Assert.Equal("README.md", Value("readme"));
        Assert.Equal(project, Value("projectUrl"));
        Assert.Equal(project + "/blob/main/CHANGELOG.md", Value("releaseNotes"));
        Assert.Contains(" envoy ", Value("tags"), StringComparison.Ordinal);
        Assert.Equal(project, (string?)Element("repository").Attribute("url"));

        XElement Element(string element) => metadata.Element(metadata.Name.Namespace + element)!;
        string Value(string element) => Element(element).Value;
    }

    [Fact]
    public async Task WebPackage_Dependency_IsExactlyTheVersionOfItsOwn()
    {
        var metadata = await ReadMetadataAsync("Tracing.Sdk.AspNetCore");
        var dependency = Assert.Single(metadata.Descendants(metadata.Name.Namespace + "dependency"));
        Assert.Equal(("Tracing.Sdk", $"[{packages.Version}]"), ((string?)dependency.Attribute("id"), (string?)dependency.Attribute("version")));
    }

    [Theory]
    [InlineData("Tracing.Sdk")]
    [InlineData("Tracing.Sdk.AspNetCore")]
    public async Task Package_Documentation_HasThePublicMembersAndNoOther(string name)
    {
        await using var package = await OpenAsync(name);
        using var assembly = new MemoryStream();
        await using (var stream = await package.GetEntry($"lib/net10.0/{name}.dll")!.OpenAsync()) await stream.CopyToAsync(assembly);
        await using var file = await package.GetEntry($"lib/net10.0/{name}.xml")!.OpenAsync();
        var documented = (await XDocument.LoadAsync(file, LoadOptions.None, default)).Descendants("member").Select(member => (string)member.Attribute("name")!).ToHashSet();

        assembly.Position = 0;
        var reference = MetadataReference.CreateFromStream(assembly);
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileNameWithoutExtension(path) != name)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create("reader", references: [reference, .. references]);
        var types = TypesOf(((IAssemblySymbol)compilation.GetAssemblyOrModuleSymbol(reference)!).GlobalNamespace)
            .Where(type => type.DeclaredAccessibility == Accessibility.Public)
            .SelectMany(type => type.GetTypeMembers().Where(nested => nested.DeclaredAccessibility == Accessibility.Public).Prepend(type)).ToList();
        var members = types.SelectMany(type => type.GetMembers()).Where(member => member.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal);

        Assert.Empty(documented.Except(types.Concat(members).Select(symbol => symbol.GetDocumentationCommentId()!)));
        // An extension block has no documentation of its own; its members have.
        Assert.Empty(types.Where(type => type.IsExtension).SelectMany(type => type.GetMembers().OfType<IPropertySymbol>()).Select(p => p.GetDocumentationCommentId()!).Except(documented));
        Assert.Empty(types.Where(type => !type.IsExtension).Select(type => type.GetDocumentationCommentId()!).Except(documented));
    }

    [Fact]
    public async Task Pack_Again_MakesTheSameBytes()
    {
        var again = packages.NewFolder("again");
        await packages.PackAsync(again);
        var first = Directory.GetFiles(packages.Feed);
        Assert.Equal(4, first.Length);
        Assert.All(first, file => Assert.Equal(Hash(file), Hash(Path.Combine(again, Path.GetFileName(file)))));

        static string Hash(string file) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)));
    }

    private static IEnumerable<INamedTypeSymbol> TypesOf(INamespaceSymbol space) => space.GetTypeMembers().Concat(space.GetNamespaceMembers().SelectMany(TypesOf));

    private Task<ZipArchive> OpenAsync(string name) => ZipFile.OpenReadAsync(Path.Combine(packages.Feed, $"{name}.{packages.Version}.nupkg"));

    private async Task<XElement> ReadMetadataAsync(string name)
    {
        await using var package = await OpenAsync(name);
        await using var specification = await package.GetEntry($"{name}.nuspec")!.OpenAsync();
        return (XElement)(await XDocument.LoadAsync(specification, LoadOptions.None, default)).Root!.FirstNode!;
    }
}
