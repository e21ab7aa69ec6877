using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>The docstrings of the options as Markdown, and the files that are made of them.</summary>
internal static partial class OptionDocumentation
{
    private static readonly XElement Members =
        XDocument.Load(Path.ChangeExtension(typeof(MeshTracing).Assembly.Location, ".xml")).Root!.Element("members")!;

    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>Every option by its path, those that only code can set included, with the options classes before what is in them.</summary>
    public static IReadOnlyList<(string Path, PropertyInfo Property)> All { get; } = [.. Walk("", typeof(MeshTracingOptions))];

    public static bool IsGroup(PropertyInfo property) => property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal);

    /// <summary>An element of a member's docstring on one line; empty when there is none.</summary>
    public static string TextOf(string member, string element) => Members.Elements("member").FirstOrDefault(m => (string?)m.Attribute("name") == member)?.Element(element) is { } content
        ? Blanks().Replace(string.Concat(content.Nodes().Select(Render)), " ").Trim()
        : "";

    public static string TextOf(PropertyInfo property, string element) => TextOf($"P:{property.DeclaringType!.FullName}.{property.Name}", element);

    /// <summary>Fails when the file is stale. With UPDATE_GENERATED=1 in the environment it is written instead.</summary>
    public static void MatchFile(string path, string text)
    {
        var file = Path.Combine(RepositoryRoot, path);
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1") File.WriteAllText(file, text);
        var current = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        Assert.True(current == text, $"{path} is stale. Run this test with UPDATE_GENERATED=1 in the environment, and review the difference.");
    }

    private static string Render(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } see when (string?)see.Attribute("cref") is { } cref => $"`{NameOf(cref)}`",
        XElement other => string.Concat(other.Nodes().Select(Render)),
        _ => "",
    };

    // An option by its path, anything else by its own name.
    private static string NameOf(string cref) =>
        All is not null && All.FirstOrDefault(o => cref == $"P:{o.Property.DeclaringType!.FullName}.{o.Property.Name}") is { Path: { } path } ? path : cref[(cref.LastIndexOf('.') + 1)..];

    private static IEnumerable<(string Path, PropertyInfo Property)> Walk(string group, Type type)
    {
        var properties = type.GetProperties();
        return properties.Where(p => !IsGroup(p)).Select(p => (group + p.Name, p))
            .Concat(properties.Where(IsGroup).SelectMany(p => Walk($"{group}{p.Name}:", p.PropertyType).Prepend((group + p.Name, p))));
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Tracing.Sdk.sln"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}

/// <summary>docs/configuration.md.</summary>
internal static class ConfigurationReference
{
    private const string Head = """
        # Configuration

        <!-- Made from the options classes and their docstrings by ConfigurationReferenceTests. Change those, then run the test with UPDATE_GENERATED=1. -->

        Every option has a default, so `AddMeshTracing()` alone is enough. An option is set in four places. Each wins over the ones before it:

        1. the default;
        2. its standard `OTEL_*` variable, from the environment or from a key of that name in the configuration;
        3. the `MeshTracing` section of the configuration;
        4. code: `AddMeshTracing(o => ...)`, `Configure<MeshTracingOptions>` and `PostConfigure<MeshTracingOptions>`.

        `Export:Otlp:Endpoint`, for example, is

        | place | written as |
        |---|---|
        | appsettings.json | `{ "MeshTracing": { "Export": { "Otlp": { "Endpoint": "http://collector:4318/v1/traces" } } } }` |
        | environment, as the section | `MeshTracing__Export__Otlp__Endpoint=http://collector:4318/v1/traces` |
        | environment, standard variable | `OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318` |
        | code | `o.Export.Otlp.Endpoint = new Uri("http://collector:4318/v1/traces")` |

        - **A list** is an array, or text with commas. It replaces the default; `[]` and an empty text are an empty list.
        - **Pairs** are an object, or text such as `key=value,other=value`. They are added to the pairs of the layers below.
        - **A time** is written `hours:minutes:seconds`, such as `00:00:05`. In a standard variable it is a number of milliseconds.
        - **A wrong value** in code or in the section stops the start with one sentence that names the option, the value and the fix. So does a key that is no option; the sentence names the most likely one.
        - **A wrong variable** is ignored with one warning, because other services and libraries may share it.
        - **The start line** in the log tells what is in force and where it came from. A value that code sets to what holds anyway keeps the origin of the layer below.
        - **The section is read by the library.** `Configure<MeshTracingOptions>(section)` is not needed, and would append the section's lists to themselves.
        - **A reload** of the configuration changes the options that say so below, for all that begins afterwards; one line tells what is in force. Other options count at the next start. A wrong value then changes nothing and is logged. `IOptionsMonitor<MeshTracingOptions>` has the new values of all options.
        - **Functions** are set in code only. A web service has three more than this page names: `Ignore.Request`, `Enrich.RequestStart` and `Enrich.RequestEnd`. See [leaving out](leaving-out.md#by-code) and [enriching](enriching.md#functions).

        Visual Studio and Rider complete and check the section with the schema that comes with the package. A process without a host reads the same section with `MeshTracing.Start(configuration: ...)`.

        """;

    public static string Write()
    {
        var page = new StringBuilder(Head.ReplaceLineEndings("\n")).Append("\n## Service\n");
        foreach (var (path, property) in OptionDocumentation.All)
        {
            if (OptionDocumentation.IsGroup(property)) page.Append($"\n## {path}\n\n{OptionDocumentation.TextOf(property, "summary")}\n");
            else WriteOption(page, path, property);
        }

        return page.ToString();
    }

    private static void WriteOption(StringBuilder page, string path, PropertyInfo property)
    {
        page.Append($"\n### {path}\n\n{OptionDocumentation.TextOf(property, "summary")}\n\n");
        if (Settings.All.FirstOrDefault(s => s.Name == path) is { } setting)
        {
            page.Append($"- **Value:** {setting.Expected.Replace("*", "\\*", StringComparison.Ordinal)}.\n");
            if (setting.IsReloadable) page.Append("- A reload changes it while tracing runs.\n");
            if (setting.Type.IsEnum)
            {
                foreach (var name in Enum.GetNames(setting.Type))
                {
                    page.Append($"  - `{name}`: {OptionDocumentation.TextOf($"F:{setting.Type.FullName}.{name}", "summary")}\n");
                }
            }
        }

        page.Append($"- {OptionDocumentation.TextOf(property, "value")}\n");
        if (OptionDocumentation.TextOf(property, "remarks") is { Length: > 0 } remarks) page.Append($"- **When to change:** {remarks}\n");
    }
}
