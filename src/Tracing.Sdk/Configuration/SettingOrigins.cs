namespace Tracing.Sdk.Configuration;

/// <summary>Which layer set each value of one options object: the default, a variable, the section, or code.</summary>
internal sealed class SettingOrigins
{
    public const string Code = "code";

    private const string Default = "default";

    private readonly Dictionary<string, string> _origins = [];

    /// <summary>One sentence for each variable with a value that does not count, although the setting is used and nothing overrides it.</summary>
    public IReadOnlyList<string> Warnings { get; set; } = [];

    /// <summary>The file of OpenTelemetry's declarative configuration that a variable names; null when none does.</summary>
    public string? ConfigFile { get; set; }

    /// <summary>Where the value of a setting came from: <c>code</c>, <c>MeshTracing</c>, the name of a variable, or <c>default</c>.</summary>
    public string this[string setting]
    {
        get => _origins.GetValueOrDefault(setting, Default);
        set => _origins[setting] = value;
    }

    public bool IsDefault(string setting) => !_origins.ContainsKey(setting);
    public bool IsVariable(string setting) => this[setting] is not (Default or Settings.SectionName or Code);
    public void Clear(string setting) => _origins.Remove(setting);

    /// <summary>The variable that set the setting, or its name in the section.</summary>
    public string SetAs(string setting) => IsVariable(setting) ? this[setting] : $"{Settings.SectionName}:{setting}";

    /// <summary>The name under which to change a setting: that of the variable, section or property that has set it, or of one that can.</summary>
    public string NameInForce(string setting) => this[setting] switch
    {
        Code => $"{nameof(MeshTracingOptions)}.{setting.Replace(':', '.')} in the code",
        Default when Settings.Get(setting).Variables is { Count: > 0 } variables =>
            (variables.FirstOrDefault(v => !v.Name.Contains("_TRACES_", StringComparison.Ordinal)) ?? variables[0]).Name,
        _ => SetAs(setting),
    };
}
