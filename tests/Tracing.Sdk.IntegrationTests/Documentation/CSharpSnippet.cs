using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Documentation;

/// <summary>Compiles a C# block of a page against the library: as a program, as statements of one, or as members of a class.</summary>
internal static class CSharpSnippet
{
    // The implicit usings of a web project, and the namespaces of the library and of Activity.
    private const string Usings = """
        global using System; global using System.Collections.Generic; global using System.Diagnostics; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks; global using Microsoft.AspNetCore.Builder;
        global using Microsoft.AspNetCore.Http; global using Microsoft.Extensions.Configuration; global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting; global using Microsoft.Extensions.Logging; global using Tracing.Sdk;
        """;

    private const string Service = """
        var builder = WebApplication.CreateBuilder(args);
        var services = builder.Services;
        var app = builder.Build();
        """;

    // The libraries that pages show are beside it.
    private static readonly string CompatibilityTests =
        typeof(CSharpSnippet).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "CompatibilityTests").Value!;

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Concat(Directory.GetFiles(Path.GetDirectoryName(TestService.Dll)!, "*.dll"))
            .Concat(Directory.GetFiles(Path.GetDirectoryName(CompatibilityTests)!, "*.dll"))
            .Where(IsManaged)
            .DistinctBy(Path.GetFileName)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>The compiler's errors for the form that has the fewest; none when the block compiles in one of them.</summary>
    public static IReadOnlyList<string> Errors(string code)
    {
        var (usings, body) = SplitUsings(code);
        return new[] { code, $"{usings}\n{Service}\n{body}", $"{usings}\n{Service}\nclass Snippet {{\n{body}\n}}" }
            .Select(Compile)
            .MinBy(errors => errors.Count)!;
    }

    private static (string Usings, string Body) SplitUsings(string code)
    {
        var lines = code.Split('\n');
        var count = lines.TakeWhile(line => line.StartsWith("using ", StringComparison.Ordinal) && !line.StartsWith("using var ", StringComparison.Ordinal) && !line.Contains('(')).Count();
        return (string.Join('\n', lines[..count]), string.Join('\n', lines[count..]));
    }

    private static IReadOnlyList<string> Compile(string code)
    {
        var options = new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: false);
        var compilation = CSharpCompilation.Create(
            "snippet",
            [CSharpSyntaxTree.ParseText(Usings), CSharpSyntaxTree.ParseText(code)],
            References,
            options);
        return [.. compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString())];
    }

    private static bool IsManaged(string path)
    {
        try
        {
            AssemblyName.GetAssemblyName(path);
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
