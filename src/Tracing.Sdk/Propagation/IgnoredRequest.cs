using System.Diagnostics;

namespace Tracing.Sdk.Propagation;

/// <summary>A request of which no spans are made.</summary>
/// <param name="Activity">The host's activity of the request; null when there is none.</param>
/// <param name="Timeout">Time after the end of the request in which code that it has left running is ignored too. Zero for no end.</param>
/// <param name="Outside">The context of such code afterwards.</param>
internal sealed record IgnoredRequest(Activity? Activity, TimeSpan Timeout, RemoteContext Outside)
{
    /// <summary>Whether the request has ended so long ago that its code is not ignored any more.</summary>
    public bool IsOver => Timeout > TimeSpan.Zero && Activity is { IsStopped: true } ended && ended.HasEndedBefore(DateTime.UtcNow - Timeout);
}
