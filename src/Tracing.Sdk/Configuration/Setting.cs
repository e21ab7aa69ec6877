using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>One setting: its name in the <c>MeshTracing</c> section, the variables that set it, how text becomes its value, how its value reads.</summary>
/// <param name="Name">The name of the option.</param>
/// <param name="Expected">What a value must be, with an example: the end of the sentence that reports a wrong one.</param>
/// <param name="Apply">Takes a value from the section. Throws <see cref="FormatException"/> when it is wrong.</param>
/// <param name="Read">The value in force, as text for people; never a secret.</param>
internal sealed record Setting(string Name, string Expected, Action<MeshTracingOptions, string> Apply, Func<MeshTracingOptions, string> Read)
{
    /// <summary>Standard variables, the most specific first: the first that is set to a right value counts.</summary>
    public IReadOnlyList<Variable> Variables { get; init; } = [];

    /// <summary>Whether the value in force is one that tracing can start with.</summary>
    public Func<MeshTracingOptions, bool> IsValid { get; init; } = static _ => true;

    /// <summary>A text that was given for the setting, right or wrong, without what may be secret in it.</summary>
    public Func<string, string> Show { get; init; } = LogText.Value;

    /// <summary>What reads the setting. A variable that nothing reads is not judged.</summary>
    public SettingUse Use { get; init; } = SettingUse.Recording;

    /// <summary>Whether the section and the code add to what a variable has set, instead of replacing it.</summary>
    public bool IsAddedTo { get; init; }
}

/// <summary>An environment variable (or configuration key of the same name) that sets an option.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Apply">How its text is applied; null when it reads as the setting itself does.</param>
/// <param name="Expected">What a value must be; null when that is what the setting says.</param>
internal sealed record Variable(string Name, Action<MeshTracingOptions, string>? Apply = null, string? Expected = null)
{
    /// <summary>The items that a list may have; null when it is no list of known items. Others are left out, the rest holds.</summary>
    public IReadOnlyList<string>? KnownItems { get; init; }
}

/// <summary>What a setting is read for.</summary>
internal enum SettingUse
{
    /// <summary>In each mode.</summary>
    Always,

    /// <summary>Where spans are recorded.</summary>
    Recording,

    /// <summary>Where spans are exported, whatever the exporter.</summary>
    Export,

    /// <summary>By the OTLP exporter.</summary>
    Otlp,

    /// <summary>By the Zipkin exporter.</summary>
    Zipkin,
}
