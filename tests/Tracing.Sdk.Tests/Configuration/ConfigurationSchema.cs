using System.Text.Json;
using System.Text.Json.Nodes;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>src/Tracing.Sdk/ConfigurationSchema.json: what editors know of the MeshTracing section.</summary>
internal static class ConfigurationSchema
{
    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write()
    {
        var section = Group(OptionDocumentation.TextOf($"T:{typeof(MeshTracingOptions).FullName}", "summary"));
        foreach (var (path, property) in OptionDocumentation.All)
        {
            var parent = section;
            foreach (var name in path.Split(':')[..^1]) parent = parent["properties"]![name]!.AsObject();
            var summary = OptionDocumentation.TextOf(property, "summary");
            if (OptionDocumentation.IsGroup(property)) parent["properties"]![property.Name] = Group(summary);
            else if (Settings.All.FirstOrDefault(s => s.Name == path) is { } setting) parent["properties"]![property.Name] = Option(setting, $"{summary} {OptionDocumentation.TextOf(property, "value")}");
        }

        return new JsonObject { ["type"] = "object", ["properties"] = new JsonObject { [Settings.SectionName] = section } }.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Group(string description) =>
        new() { ["type"] = "object", ["description"] = description.Replace("`", "", StringComparison.Ordinal), ["additionalProperties"] = false, ["properties"] = new JsonObject() };

    private static JsonObject Option(Setting setting, string description)
    {
        var schema = ValueOf(setting);
        schema.Insert(0, "description", description.Replace("`", "", StringComparison.Ordinal));
        return schema;
    }

    private static JsonObject ValueOf(Setting setting)
    {
        if (setting.IsPairs) return Either(new() { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" } });
        if (setting.IsList) return Either(new() { ["type"] = "array", ["items"] = Item(setting) });
        var type = setting.Type;
        if (type == typeof(bool)) return new() { ["type"] = "boolean" };
        if (type == typeof(double)) return Ranged("number", setting);
        if (type == typeof(int) || type == typeof(long)) return Ranged("integer", setting);
        if (type == typeof(TimeSpan)) return new() { ["type"] = "string", ["pattern"] = @"^\d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,7})?)?$" };
        if (type == typeof(Uri)) return new() { ["type"] = "string", ["pattern"] = "^[Hh][Tt][Tt][Pp][Ss]?://" };
        if (!type.IsEnum) return new() { ["type"] = "string" };
        var names = Enum.GetNames(type);
        return type.IsDefined(typeof(FlagsAttribute), inherit: false)
            ? new() { ["type"] = "string", ["pattern"] = $"^({string.Join('|', names)})( *, *({string.Join('|', names)}))*$" }
            : new() { ["enum"] = Strings(names) };
    }

    private static JsonObject Item(Setting setting) => setting.Items is { } items ? new() { ["enum"] = Strings(items.Known) }
        : setting.Type == typeof(IList<TrustRule>) ? new() { ["type"] = "string", ["pattern"] = $"^({string.Join('|', Enum.GetNames<TraceTrust>())}) +(internal|external|spiffe://.*|[0-9a-fA-F.:]+(/[0-9]+)?)$" }
        : setting.Type == typeof(IList<SamplingRule>) ? new() { ["type"] = "string", ["pattern"] = "^(.* )?([Aa][Ll][Ww][Aa][Yy][Ss]|[Nn][Ee][Vv][Ee][Rr]|[0-9.]+(%|/s)?)( .*)?$" }
        : new() { ["type"] = "string" };

    // As text with commas too.
    private static JsonObject Either(JsonObject structured) => new() { ["anyOf"] = new JsonArray(structured, new JsonObject { ["type"] = "string" }) };

    private static JsonObject Ranged(string type, Setting setting)
    {
        var schema = new JsonObject { ["type"] = type };
        if (setting.Range is { } range)
        {
            schema["minimum"] = JsonValue.Create(Convert.ToDouble(range.Minimum, System.Globalization.CultureInfo.InvariantCulture));
            if (range.Maximum is 1.0) schema["maximum"] = 1;
        }

        return schema;
    }

    private static JsonArray Strings(IEnumerable<string> names) => [.. names.Select(n => JsonValue.Create(n))];
}
