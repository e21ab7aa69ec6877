namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>How long a test waits for what it cannot see the end of: long enough for the slowest machine.</summary>
internal static class Patience
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <param name="task">What is awaited.</param>
    /// <param name="sentence">What has not happened, as <c>The order is not handled</c>.</param>
    /// <exception cref="TimeoutException">A minute has passed.</exception>
    public static async Task WithinAMinuteAsync(this Task task, string sentence)
    {
        try
        {
            await task.WaitAsync(Limit);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"{sentence} within a minute.");
        }
    }
}
