namespace Tracing.Sdk.Configuration;

/// <summary>A standard variable that sets the option. Where an option has several, the first with a right value counts.</summary>
/// <param name="name">The name of the environment variable, or of the configuration key of the same name.</param>
/// <param name="words">Words of the variable that differ from the option's, as <c>word=value</c>. Empty when the variable is written as the option; a time in a variable is a number of milliseconds.</param>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
internal sealed class VariableAttribute(string name, params string[] words) : Attribute
{
    public string Name { get; } = name;

    /// <summary>Path that is appended to a URL in the variable.</summary>
    public string? AppendedPath { get; init; }

    /// <summary>What a value must be. Null when it is what the option says, or one of the words.</summary>
    public string? Expected { get; init; }

    public IReadOnlyList<(string Word, string Value)> Words { get; } = Array.ConvertAll(words, w => (w[..w.IndexOf('=')], w[(w.IndexOf('=') + 1)..]));
}

/// <summary>A right value that sentences and documentation show. Without it, they show the default.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ExampleAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>What a value must be, where type and range do not say it: the end of "... is ... but must be ...".</summary>
[AttributeUsage(AttributeTargets.Property)]
internal class ExpectedAttribute(string expected) : Attribute
{
    public string Expected { get; } = expected;

    /// <summary>Whether tracing can start with the value.</summary>
    public virtual bool Allows(object? value, MeshTracingOptions options) => true;
}

/// <summary>A reload of the configuration changes the option while tracing runs. Any other option counts at the next start.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ReloadableAttribute : Attribute;
