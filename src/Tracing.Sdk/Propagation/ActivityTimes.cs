using System.Diagnostics;

namespace Tracing.Sdk.Propagation;

internal static class ActivityTimes
{
    /// <summary>Whether an activity ended before a time. While it stops on another thread it has no duration yet, and has not ended.</summary>
    public static bool HasEndedBefore(this Activity activity, DateTime limit) =>
        activity.IsStopped && activity.Duration > TimeSpan.Zero && activity.StartTimeUtc + activity.Duration < limit;
}
