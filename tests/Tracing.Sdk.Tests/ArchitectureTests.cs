using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Tracing.Sdk.Tests;

/// <summary>States which namespace of the library may know which. The source is compiled here, and every name in it is resolved.</summary>
public sealed class ArchitectureTests
{
    // Names are those below Tracing.Sdk. "Options" are the options classes, wherever they stand, with their enums, their rules and the attributes that describe them;
    // "Root" is the rest of the root, and the code that puts the parts together.
    // A namespace may know itself and what stands in its row; ".*" includes the namespaces below.
    private static readonly (string Namespace, string[] MayKnow)[] Table =
    [
        ("Options", []),
        ("Logging", []),
        ("Propagation", ["Options", "Propagation.*"]),
        ("Propagation.W3C", ["Propagation", "Propagation.Mesh"]),
        ("Propagation.B3", ["Propagation"]),
        ("Propagation.Baggage", ["Propagation"]),
        ("Propagation.Mesh", ["Options", "Propagation"]),
        ("Recording", ["Options", "Logging", "Propagation.*"]),
        ("Export", ["Options", "Logging", "Recording", "Export.*"]),
        ("Export.Buffer", []),
        ("Export.Encoding", ["Recording"]),
        ("Export.Http", ["Options", "Logging", "Recording", "Export", "Export.Buffer", "Export.Encoding"]),
        ("Export.Otlp", ["Options", "Export", "Export.Buffer", "Export.Encoding", "Export.Http", "Recording"]),
        ("Export.Zipkin", ["Options", "Export", "Export.Buffer", "Export.Encoding", "Export.Http", "Recording"]),
        ("Export.Console", ["Export", "Export.Buffer", "Export.Encoding", "Recording"]),
        ("Http", ["Options", "Logging", "Propagation.*", "Recording"]),
        ("Messages", ["Options", "Propagation.*", "Recording", "Http"]),
        ("AspNetCore", ["Options", "Logging", "Propagation.*", "Recording", "Http"]),
        ("Lifetime", ["Logging", "Recording", "Export"]),
        ("Configuration", ["Options", "Logging", "Propagation.*", "Recording", "Export.*"]),
        ("Root", ["Options", "Logging", "Propagation.*", "Recording", "Export.*", "Http", "AspNetCore", "Lifetime", "Configuration"]),
    ];

    [Fact]
    public void Source_EveryNamespace_KnowsOnlyWhatItsRowAllows()
    {
        var broken = FindReferences().Where(r => !IsAllowed(r.From, r.To)).Select(r =>
            $"{r.File} is in {r.From} and uses {r.Type} of {r.To}, which {r.From} may not know: hand it the value that it needs, move the code to a namespace " +
            "that may know both, or change the table of this test and say why in RATIONALE.md.").Distinct().ToArray();
        // Not Assert.Empty, which would cut the sentences.
        if (broken.Length > 0) Assert.Fail(string.Join('\n', broken));
    }

    // The order in which the namespaces can be read: none knows one that is further down, except Propagation and Export, which know their own formats.
    [Fact]
    public void Table_WithoutFormats_HasNoCycle()
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, mayKnow) in Table.Where(row => !row.Namespace.Contains('.', StringComparison.Ordinal)))
        {
            Assert.All(mayKnow.Select(n => n.Split('.')[0]).Where(n => n != name), n => Assert.Contains(n, known));
            known.Add(name);
        }
    }

    private static bool IsAllowed(string from, string to) =>
        from == to || Table.Single(row => row.Namespace == from).MayKnow.Any(n => n == to || (n.EndsWith(".*", StringComparison.Ordinal) && $"{to}.".StartsWith(n[..^1], StringComparison.Ordinal)));

    private static IEnumerable<(string File, string From, string To, string Type)> FindReferences()
    {
        var root = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(root, "src"))) root = Path.GetDirectoryName(root)!;
        var source = Path.Combine(root, "src");
        var trees = Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(source, file).Split(Path.DirectorySeparatorChar).Contains("obj"))
            .Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), path: file))
            .Append(CSharpSyntaxTree.ParseText(string.Concat(
                new[] { "", ".Collections.Generic", ".IO", ".Linq", ".Net.Http", ".Threading", ".Threading.Tasks" }.Select(n => $"global using System{n};"))))
            .ToList();
        var platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Tracing.Sdk", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path));
        // Methods that a source generator writes are missing; types are not.
        var compilation = CSharpCompilation.Create("Tracing.Sdk", trees, platform, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        foreach (var tree in trees)
        {
            var model = compilation.GetSemanticModel(tree);
            foreach (var name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                if (name.FirstAncestorOrSelf<BaseTypeDeclarationSyntax>() is not { } user) continue;
                var symbol = model.GetSymbolInfo(name).Symbol;
                if ((symbol as INamedTypeSymbol ?? symbol?.ContainingType) is { } type && SymbolEqualityComparer.Default.Equals(type.ContainingAssembly, compilation.Assembly))
                {
                    yield return (Path.GetRelativePath(root, tree.FilePath), NameOf(model.GetDeclaredSymbol(user)!), IsOption(type) ? "Options" : NameOf(type), type.Name);
                }
            }
        }
    }

    private static string NameOf(INamedTypeSymbol type)
    {
        var name = type.ContainingNamespace.ToDisplayString();
        if (name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)) return "AspNetCore";
        if (type.Name == "WebTracing") return "Root";
        // An option names it; what it does is Recording's.
        if ((type.ContainingType ?? type).Name == "EndedSpan") return "Recording";
        if (type.Name.EndsWith("Options", StringComparison.Ordinal)) return "Options";
        if (name.StartsWith("Tracing.Sdk.", StringComparison.Ordinal)) return name["Tracing.Sdk.".Length..];
        return IsOption(type) ? "Options" : "Root";
    }

    // The code of an attribute is Configuration's; options classes only name it.
    private static bool IsOption(INamedTypeSymbol type) => type.Name.EndsWith("Options", StringComparison.Ordinal)
        // The web half adds properties to options by extension.
        || (type.IsExtension && type.ContainingType.Name.EndsWith("OptionsExtensions", StringComparison.Ordinal))
        || type.BaseType?.Name is "Attribute" or "ExpectedAttribute"
        || type.Name is "TrustRule" or "SamplingRule" or "EndedSpan" or "SettingOrigins"
        || (type.TypeKind == TypeKind.Enum && type.ContainingNamespace.ToDisplayString() == "Tracing.Sdk");
}
