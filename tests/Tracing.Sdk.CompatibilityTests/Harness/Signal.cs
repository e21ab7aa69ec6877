namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>Something that happens in an application and that its test waits for.</summary>
/// <param name="what">What has not happened when the wait fails, as <c>The order is not handled</c>.</param>
public sealed class Signal(string what)
{
    private readonly TaskCompletionSource _set = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Set() => _set.TrySetResult();

    /// <exception cref="TimeoutException">A minute has passed.</exception>
    public Task WaitAsync() => _set.Task.WithinAMinuteAsync(what);
}
