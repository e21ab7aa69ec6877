using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

// A loop, a timer or a poll that is started inside a span keeps this span as Activity.Current after its end: without a limit its trace grows for days.
// ActivityListener.Sample may set Activity.Current to null: the activity that is being created is then a root, and so are the next ones of this flow.
/// <summary>Finds spans whose local parent ended long ago and lets them begin a trace.</summary>
/// <remarks>Any thread.</remarks>
/// <param name="time">The clock.</param>
/// <param name="logger">Gets one line for each source that has such spans. Does not throw: <see cref="SafeLogger"/>.</param>
/// <param name="settingName">Returns the name that the line gives to a setting.</param>
internal sealed class EndedParents(TimeProvider time, ILogger logger, Func<string, string> settingName)
{
    private const int MaxReported = 32;

    // Until the first cut on any thread the two below are not read.
    private static volatile bool _hasCut;

    // The span that is about to start on this thread as a root, and the parent that it has lost.
    [ThreadStatic]
    private static ActivitySource? t_source;

    [ThreadStatic]
    private static Activity? t_ended;

    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    /// <summary>Takes the current activity away from a span that is about to start, if it is its parent, nothing above the span still runs, and the outermost span ended longer ago
    /// than the timeout.</summary>
    /// <param name="options">The span's.</param>
    /// <param name="timeout">Zero for never.</param>
    /// <returns>Whether the span begins a trace. It is sampled when it has its ids: <see cref="Take"/>.</returns>
    public bool TryCut(ref ActivityCreationOptions<ActivityContext> options, TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero) return false;
        var parentId = options.Parent.SpanId;
        if (Activity.Current is { IsStopped: true } current && current.SpanId == parentId)
        {
            if (!HasEnded(current, time.GetUtcNow().UtcDateTime - timeout)) return false;
            (t_source, t_ended, _hasCut) = (options.Source, current, true);
            Activity.Current = null;
        }
        else if (Activity.Current is not null || t_ended is null || t_ended.SpanId != parentId || t_source != options.Source)
        {
            return false;
        }

        // Otherwise another recorder of this process has just done the same.
        options = options with { TraceState = null };
        return true;
    }

    /// <summary>Returns the parent that an activity without one has lost; null when it never had one.</summary>
    public static Activity? Take(Activity started)
    {
        if (!_hasCut || t_ended is not { } ended) return null;
        var isCut = t_source == started.Source && started.ParentSpanId == default;
        (t_source, t_ended) = (null, null);
        return isCut ? ended : null;
    }

    /// <summary>Logs the first span of a source.</summary>
    public void Report(string source, TimeSpan timeout)
    {
        lock (_reported)
        {
            if (_reported.Count >= MaxReported || !_reported.Add(source)) return;
        }

        Log.ParentEnded(logger, source, timeout.TotalSeconds, settingName("Sampling:EndedParentTimeout"));
    }

    private static bool HasEnded(Activity activity, DateTime limit)
    {
        while (activity.Parent is { } parent)
        {
            if (!activity.HasEndedBefore(DateTime.MaxValue)) return false;
            activity = parent;
        }

        return activity.HasEndedBefore(limit);
    }
}
