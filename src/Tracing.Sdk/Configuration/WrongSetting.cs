using Microsoft.Extensions.Options;

namespace Tracing.Sdk.Configuration;

/// <summary>The exception that stops the start with one sentence.</summary>
internal static class WrongSetting
{
    private const string Beginning = "Tracing cannot start: ";

    public static OptionsValidationException Create(string name, string shown, string expected) => Create($"{name} is \"{shown}\" but must be {expected}.");
    public static OptionsValidationException Create(string sentence) => new(Settings.SectionName, typeof(MeshTracingOptions), [Beginning + sentence]);

    /// <summary>What is wrong, without the part that speaks of the start.</summary>
    public static string Reason(Exception e) => e.Message.StartsWith(Beginning, StringComparison.Ordinal) ? e.Message[Beginning.Length..] : e.Message;
}
