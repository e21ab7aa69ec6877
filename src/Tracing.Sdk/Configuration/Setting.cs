namespace Tracing.Sdk.Configuration;

/// <summary>One setting: its name in the <c>MeshTracing</c> section, the variables that set it, how text becomes its value, how its value reads.</summary>
/// <param name="Name">The name of the option.</param>
/// <param name="Expected">What a value must be, with an example: the end of the sentence that reports a wrong one.</param>
/// <param name="Apply">Takes a value from the section. Throws <see cref="FormatException"/> when it is wrong.</param>
/// <param name="Read">The value in force, as text for people; never a secret.</param>
internal sealed record Setting(string Name, string Expected, Action<MeshTracingOptions, string> Apply, Func<MeshTracingOptions, string> Read)
{
    /// <summary>Standard variables, the most specific first: the first that is set counts.</summary>
    public IReadOnlyList<Variable> Variables { get; init; } = [];

    /// <summary>Whether the value must not be shown.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Whether the value is a URL, of which only a part may be shown.</summary>
    public bool IsUrl { get; init; }
}

/// <summary>An environment variable (or configuration key of the same name) that sets an option.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Apply">How its text is applied; null when it reads as the setting itself does.</param>
/// <param name="Expected">What a value must be; null when that is what the setting says.</param>
internal sealed record Variable(string Name, Action<MeshTracingOptions, string>? Apply = null, string? Expected = null);
