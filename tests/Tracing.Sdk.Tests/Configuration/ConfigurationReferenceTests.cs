using System.Globalization;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>The reference is made from the options and their docstrings, and these are complete.</summary>
public sealed class ConfigurationReferenceTests
{
    public static TheoryData<string> AllOptions => [.. OptionDocumentation.All.Where(o => !OptionDocumentation.IsGroup(o.Property)).Select(o => o.Path)];

    [Fact]
    public void Reference_OfTheOptions_IsFresh() => OptionDocumentation.MatchFile("docs/configuration.md", ConfigurationReference.Write());

    [Theory]
    [MemberData(nameof(AllOptions))]
    public void Docstring_OfEachOption_TellsMeaningDefaultRangeAndVariables(string path)
    {
        var property = OptionDocumentation.All.Single(o => o.Path == path).Property;
        var value = OptionDocumentation.TextOf(property, "value");
        Assert.NotEqual("", OptionDocumentation.TextOf(property, "summary"));
        Assert.StartsWith("Default", value, StringComparison.Ordinal);
        if (Settings.All.FirstOrDefault(s => s.Name == path) is not { } setting) return;

        Assert.NotEqual("", OptionDocumentation.TextOf(property, "remarks"));
        Assert.All(setting.Variables, v => Assert.Contains($"`{v.Name}`", value, StringComparison.Ordinal));
        var text = setting.Text(new MeshTracingOptions());
        var shown = setting.Type == typeof(TimeSpan) ? $"{TimeSpan.Parse(text, CultureInfo.InvariantCulture).TotalSeconds} s" : text;
        Assert.Contains(shown, value, StringComparison.Ordinal);
    }
}
