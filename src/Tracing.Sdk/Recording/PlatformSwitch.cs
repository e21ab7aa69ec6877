namespace Tracing.Sdk.Recording;

/// <summary>A switch of the platform's HttpClient.</summary>
/// <param name="name">The name in AppContext, and so in a runtimeconfig.json.</param>
/// <param name="variable">The environment variable.</param>
internal sealed class PlatformSwitch(string name, string variable)
{
    /// <summary>Off, HttpClient makes no spans and writes no trace headers. On where nothing is set.</summary>
    public static PlatformSwitch ActivityPropagation { get; } = new("System.Net.Http.EnableActivityPropagation", "DOTNET_SYSTEM_NET_HTTP_ENABLEACTIVITYPROPAGATION");

    /// <summary>On, the spans of HttpClient show whole queries. Off where nothing is set.</summary>
    public static PlatformSwitch UriRedactionDisabled { get; } = new("System.Net.Http.DisableUriRedaction", "DOTNET_SYSTEM_NET_HTTP_DISABLEURIREDACTION");

    /// <summary>What is set, and under which name; null when nothing is.</summary>
    public (bool IsOn, string Name)? Find() => Find(static name => AppContext.TryGetSwitch(name, out var value) ? value : null, Environment.GetEnvironmentVariable);

    // As the platform reads it: the switch wins over the variable.
    public (bool IsOn, string Name)? Find(Func<string, bool?> readSwitch, Func<string, string?> readVariable)
    {
        if (readSwitch(name) is { } isOn) return (isOn, name);
        var text = readVariable(variable);
        if (bool.TryParse(text, out var flag)) return (flag, variable);
        return uint.TryParse(text, out var number) ? (number != 0, variable) : null;
    }
}
