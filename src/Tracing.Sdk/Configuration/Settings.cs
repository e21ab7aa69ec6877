using System.Diagnostics.CodeAnalysis;

namespace Tracing.Sdk.Configuration;

/// <summary>Every option that text can set: each public property of the options classes. The section, the variables, the start line, the schema and the reference are made from it.</summary>
internal static class Settings
{
    public const string SectionName = "MeshTracing";

    // Words that other libraries and earlier versions use.
    private static readonly Dictionary<string, string> Synonyms = new()
    {
        ["url"] = "endpoint", ["gzip"] = "compression", ["buffer"] = "queue", ["propagators"] = "formats", ["to"] = "targets", ["not"] = "excluded",
    };

    private static readonly string[] CodeOnly =
    [
        "Ignore:Call", "Ignore:Request", "Enrich:CallStart", "Enrich:CallEnd", "Enrich:RequestStart", "Enrich:RequestEnd", "Export:BeforeExport", "Export:HttpHandler",
    ];

    public static IReadOnlyList<Setting> All { get; } =
    [
        .. Find("", o => o, SettingUse.Recording),
        .. Find("Ignore:", o => o.Ignore, SettingUse.Recording),
        .. Find("Sampling:", o => o.Sampling, SettingUse.Recording),
        .. Find("Propagation:", o => o.Propagation, SettingUse.Recording),
        .. Find("Trust:", o => o.Trust, SettingUse.Recording),
        .. Find("Enrich:", o => o.Enrich, SettingUse.Recording),
        .. Find("Http:", o => o.Http, SettingUse.Recording),
        .. Find("Export:", o => o.Export, SettingUse.Recording),
        .. Find("Export:Otlp:", o => o.Export.Otlp, SettingUse.Otlp),
        .. Find("Export:Zipkin:", o => o.Export.Zipkin, SettingUse.Zipkin),
        .. Find("Export:Batch:", o => o.Export.Batch, SettingUse.Export),
        .. Find("Limits:", o => o.Limits, SettingUse.Export),
    ];

    /// <summary>Whether a name is that of an option which text cannot set.</summary>
    public static bool IsCodeOnly(string name) => CodeOnly.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The value in force of an option without one, where it follows from other options; null where there is none.</summary>
    public static object? Derive(string name, MeshTracingOptions options) => name switch
    {
        "Export:Otlp:Endpoint" => options.Export.Otlp.EndpointInForce,
        "Export:Otlp:Protocol" => options.Export.Otlp.ProtocolInForce,
        _ => null,
    };

    public static Setting Get(string name) => All.First(s => s.Name == name);

    /// <summary>The setting that an unknown name most likely means: the one whose words are most like its words.</summary>
    public static string Nearest(string name)
    {
        var words = Words(name);
        return All.MaxBy(s => Likeness(words, Words(s.Name)))!.Name;
    }

    private static List<Setting> Find<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions>(
        string group, Func<MeshTracingOptions, TOptions> owner, SettingUse use) where TOptions : class
    {
        var settings = new List<Setting>();
        foreach (var property in typeof(TOptions).GetProperties())
        {
            var isGroup = property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal);
            if (!isGroup && !property.PropertyType.IsAssignableTo(typeof(Delegate))) settings.Add(new Setting(group + property.Name, property, owner, use));
        }

        return settings;
    }

    private static double Likeness(List<string> given, List<string> known) =>
        // Of equals, the setting with the fewest other words.
        Math.Max(given.Average(g => known.Max(k => Likeness(g, k))), Likeness(string.Concat(given), string.Concat(known))) - (0.01 * known.Count);

    private static double Likeness(string a, string b) => 1 - ((double)Distance(a, b) / Math.Max(a.Length, b.Length)) is >= 0.5 and var likeness ? likeness : 0;

    private static List<string> Words(string name)
    {
        var words = new List<string> { "" };
        foreach (var c in name.Length > 100 ? name[..100] : name)
        {
            if (c == ':' || (char.IsAsciiLetterUpper(c) && words[^1] is [.., >= 'a' and <= 'z'])) words.Add("");
            if (c != ':') words[^1] += char.ToLowerInvariant(c);
        }

        return words.ConvertAll(w => Synonyms.GetValueOrDefault(w, w));
    }

    // Levenshtein, for a typing error in a configuration file.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
