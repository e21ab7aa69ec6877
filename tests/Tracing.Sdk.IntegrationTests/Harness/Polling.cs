namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>Reads from a program that does not signal that something has changed.</summary>
internal static class Polling
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads until <paramref name="isDone"/> says so, at most for a minute; returns what was read last.</summary>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> read, Func<T, bool> isDone, TimeSpan? patience = null)
    {
        using var over = new CancellationTokenSource(patience ?? Patience);
        using var timer = new PeriodicTimer(Interval);
        while (true)
        {
            var value = await read();
            if (isDone(value) || over.IsCancellationRequested) return value;
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
