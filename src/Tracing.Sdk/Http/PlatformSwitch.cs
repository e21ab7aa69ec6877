namespace Tracing.Sdk.Http;

/// <summary>The switch of the platform without which its HttpClient makes no spans and writes no trace headers.</summary>
internal static class PlatformSwitch
{
    private const string Name = "System.Net.Http.EnableActivityPropagation";
    private const string Variable = "DOTNET_SYSTEM_NET_HTTP_ENABLEACTIVITYPROPAGATION";

    /// <summary>The name under which it is turned off; null while it is on.</summary>
    public static string? FindOff() => FindOff(static name => AppContext.TryGetSwitch(name, out var value) ? value : null, Environment.GetEnvironmentVariable);

    // As the platform reads it: the switch, also of a runtimeconfig.json, wins over the variable.
    public static string? FindOff(Func<string, bool?> readSwitch, Func<string, string?> readVariable)
    {
        if (readSwitch(Name) is { } isOn) return isOn ? null : Name;
        var value = readVariable(Variable);
        var isOff = bool.TryParse(value, out var flag) ? !flag : uint.TryParse(value, out var number) && number == 0;
        return isOff ? Variable : null;
    }
}
