using System.Globalization;
using System.Text.RegularExpressions;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Harness;

internal static partial class BackgroundPollCount
{
    /// <summary>Waits until a library that has nothing to do has polled, which the tracing counts.</summary>
    public static async Task WaitForPollsAsync(this TracedApp app, int count)
    {
        var polls = await Polling.UntilAsync(() => Task.FromResult(Count(app.Services.GetRequiredService<MeshTracing>().Describe())), polls => polls >= count);
        Assert.True(polls >= count, $"{polls} background polls are left out within a minute, not {count}.");
    }

    // "  0 recorded\n  3 not recorded (a background poll: 3)"
    private static int Count(string description) => Polls().Match(description) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex("a background poll: ([0-9]+)")]
    private static partial Regex Polls();
}
