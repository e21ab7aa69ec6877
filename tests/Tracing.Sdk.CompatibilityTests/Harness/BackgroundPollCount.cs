namespace Tracing.Sdk.CompatibilityTests.Harness;

internal static class Polling
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Waits until a library that has nothing to do has polled, which the tracing counts.</summary>
    public static async Task WaitForPollsAsync(this TracedApp app, int count)
    {
        using var timeout = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (Polls() < count) await timer.WaitForNextTickAsync(timeout.Token);

        // "  0 recorded\n  3 not recorded (a background poll: 3)"
        int Polls()
        {
            var text = app.Services.GetRequiredService<MeshTracing>().Describe();
            var at = text.IndexOf("a background poll: ", StringComparison.Ordinal);
            return at < 0 ? 0 : int.Parse(string.Concat(text[(at + 19)..].TakeWhile(char.IsAsciiDigit)), System.Globalization.CultureInfo.InvariantCulture);
        }
    }
}
