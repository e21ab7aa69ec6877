using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>
/// Marks a flow of execution whose spans are not recorded, such as the exporters' own requests. The suppression of OpenTelemetry's SDK,
/// which its exporters of metrics and logs enter, counts as well.
/// </summary>
internal static class Suppression
{
    private static readonly AsyncLocal<bool> Local = new();

    // Until the first suppression there is nothing to look up.
    private static volatile bool _isUsed;

    /// <summary>Whether the running code must not produce spans.</summary>
    public static bool IsActive => (_isUsed && Local.Value) || (OpenTelemetrySdk.IsLoaded && OpenTelemetrySdk.IsSuppressing);

    /// <summary>
    /// Suppresses spans in the current flow until the scope is disposed of. Nothing in it is a child of the current span, so the
    /// sampler need not look for a suppression where it continues a recorded span.
    /// </summary>
    public static Scope Begin()
    {
        var before = (Local.Value, Activity.Current);
        _isUsed = true;
        Local.Value = true;
        Activity.Current = null;
        return new Scope(before.Value, before.Current);
    }

    /// <summary>Restores what held before.</summary>
    public readonly struct Scope(bool before, Activity? current) : IDisposable
    {
        public void Dispose()
        {
            Local.Value = before;
            Activity.Current = current;
        }
    }
}
