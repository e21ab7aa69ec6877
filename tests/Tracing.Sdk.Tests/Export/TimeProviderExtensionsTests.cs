using Tracing.Sdk.Export;

namespace Tracing.Sdk.Tests.Export;

public sealed class TimeProviderExtensionsTests
{
    // A timer that is disposed of does not wait for a callback that has begun. On the timer's thread an exception would end the process.
    [Fact]
    public void WaitOne_TimerFiresAfterTheWait_DoesNotThrow()
    {
        var time = new LateTime();
        using var signalled = new ManualResetEvent(true);
        time.WaitOne(signalled, TimeSpan.FromHours(1));

        Assert.NotNull(time.Fire);
        Assert.Null(Record.Exception(time.Fire));
    }

    private sealed class LateTime : TimeProvider
    {
        public Action? Fire { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Fire = () => callback(state);
            return base.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
