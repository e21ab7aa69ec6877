using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>The <c>MeshTracing</c> section. A list replaces the default, also an empty one; pairs are added to those of the layers below. An empty text counts as unset for anything else. An unknown key is an error.</summary>
internal static class SectionLayer
{
    /// <exception cref="OptionsValidationException">A key is unknown or its value cannot be read.</exception>
    public static void Apply(IConfiguration configuration, MeshTracingOptions options) => Apply(configuration, configuration.GetSection(Settings.SectionName), options, "");

    private static void Apply(IConfiguration configuration, IConfigurationSection section, MeshTracingOptions options, string prefix)
    {
        foreach (var child in section.GetChildren())
        {
            var name = prefix + child.Key;
            if (Settings.All.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } setting)
            {
                if (HasValue(child, setting)) Apply(child, setting, IsText(configuration, child), options);
            }
            else if (child.Value is null or "" && Settings.All.Any(s => s.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)))
            {
                Apply(configuration, child, options, name + ":");
            }
            else
            {
                throw WrongSetting.Create($"{Settings.SectionName}:{LogText.Line(name)} {(Settings.IsCodeOnly(name) ? "can be set in code only." : $"is no option; did you mean {Settings.Nearest(name)}?")}");
            }
        }
    }

    private static void Apply(IConfigurationSection section, Setting setting, bool isText, MeshTracingOptions options)
    {
        try
        {
            setting.Set(options, setting.Parse(section, isText));
            options.Origins[setting.Name] = Settings.SectionName;
        }
        catch (FormatException e) when (setting.Type == typeof(IList<TrustRule>) || setting.Type == typeof(IList<SamplingRule>))
        {
            throw WrongSetting.Create($"{section.Path} has a wrong rule: {LogText.Message(e.Message)}.");
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw WrongSetting.Create($"{Settings.SectionName}:{setting.Name}", setting.Show(TextOf(section)), setting.Expected);
        }
    }

    // The JSON provider gives an empty array the value "", and null no value.
    private static bool HasValue(IConfigurationSection section, Setting setting) =>
        section.Value is { } text ? setting.IsList || !string.IsNullOrWhiteSpace(text) : section.GetChildren().Any();

    // Text and items may come from two sources, such as [] in one file and an array in another: the later source counts.
    private static bool IsText(IConfiguration configuration, IConfigurationSection section)
    {
        if (section.Value is null || configuration is not IConfigurationRoot root) return section.Value is not null;
        var last = root.Providers.LastOrDefault(p => p.TryGet(section.Path, out _) || p.GetChildKeys([], section.Path).Any());
        return last is null || last.TryGet(section.Path, out _);
    }

    private static string TextOf(IConfigurationSection section) => section.Value?.Trim() ?? string.Join(',', section.GetChildren().Select(c => c.Value));
}
