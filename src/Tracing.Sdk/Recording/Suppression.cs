using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>Marks a flow of execution whose spans are not recorded, such as the exporters' own requests. The suppression scope of OpenTelemetry's SDK, which its
/// exporters of metrics and logs enter, counts as well.</summary>
internal static class Suppression
{
    private static readonly AsyncLocal<bool> Local = new();

    // Before the first suppression there is nothing to look up.
    private static volatile bool _isUsed;

    /// <summary>Whether the running code must not produce spans.</summary>
    public static bool IsActive => (_isUsed && Local.Value) || (OpenTelemetrySdk.IsLoaded && OpenTelemetrySdk.IsSuppressing);

    /// <summary>Suppresses spans in the current flow until the scope is disposed of, also those of a TracerProvider that hears calls. No span in it has a recorded parent, so
    /// the sampler need not look for a suppression when the parent is recorded.</summary>
    public static Scope Begin()
    {
        var before = (Local.Value, Activity.Current);
        _isUsed = true;
        Local.Value = true;
        Activity.Current = null;
        return new Scope(before.Value, before.Current, OtherListeners.HearCalls ? OpenTelemetrySdk.BeginSuppression() : null);
    }

    /// <summary>Restores the flow as it was before.</summary>
    public readonly struct Scope(bool before, Activity? current, IDisposable? openTelemetry) : IDisposable
    {
        public void Dispose()
        {
            openTelemetry?.Dispose();
            Local.Value = before;
            Activity.Current = current;
        }
    }
}
