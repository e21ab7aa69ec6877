using System.Diagnostics;
using System.Diagnostics.Tracing;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>
/// Finds the calls of HttpClients that were made before tracing was added. Their handlers have captured the platform's propagator, so the
/// platform makes their spans and writes their headers without asking <see cref="OutboundPropagator"/>.
/// </summary>
/// <remarks>
/// The platform asks a propagator for headers on the thread that starts the span, right after the start. A span for which
/// <see cref="OutboundPropagator"/> was not asked belongs to such a client, or to a handler with a propagator of its own: the latter is
/// left alone as long as it does not write what the platform's would.
/// </remarks>
internal static class EarlyClients
{
    // Created with the first HttpClient of the process.
    private const string ClientEventSource = "Private.InternalDiagnostics.System.Net.Http";

    private const ActivityTraceFlags RandomFlag = (ActivityTraceFlags)Propagation.TraceIds.RandomFlag;

    // Spans that have started and are not known to have our headers, by their start time. One that is overwritten is not found.
    private static readonly Activity?[] Unasked = new Activity?[64];

    private static readonly ActivityListener Listener = new()
    {
        ShouldListenTo = static source => source.Name == SourceNames.HttpClient && !OtherListeners.IsProbe(source),
        ActivityStarted = static activity => SpanStarted(activity),
        ActivityStopped = static activity => SpanStopped(activity),
    };

    // Where no client was made before tracing was added, nothing has to be looked for.
    private static bool _mayExist;

    // The span that has started on this thread, until the headers are asked for.
    [ThreadStatic]
    private static Activity? t_started;

    /// <summary>Begins to look for their calls, if there are any. Called once, before <see cref="OutboundPropagator"/> takes its place.</summary>
    public static void Watch()
    {
        var exist = EventSource.GetSources().Any(static source => source.Name == ClientEventSource);
        // Where event sources are trimmed away: the source of the spans exists once a client has been used.
        using var listener = new ActivityListener
        {
            ShouldListenTo = source =>
            {
                exist |= source.Name == SourceNames.HttpClient;
                return false;
            },
        };
        ActivitySource.AddActivityListener(listener);
        if (!exist) return;
        _mayExist = true;
        ActivitySource.AddActivityListener(Listener);
    }

    /// <summary>Notes that the headers of a call were asked for.</summary>
    public static void Asked(Activity? activity)
    {
        if (!_mayExist) return;
        if (t_started is { } started) Forget(started);
        t_started = null;
        // Another listener may have made another span current in between.
        if (activity is not null) Forget(activity);
    }

    private static void SpanStarted(Activity activity)
    {
        if (Suppression.IsActive) return;
        SlotOf(activity) = activity;
        t_started = activity;
    }

    private static void SpanStopped(Activity activity)
    {
        if (!Forget(activity) || DistributedContextPropagator.Current is not OutboundPropagator || !HasIdBeenRead(activity)) return;
        MeshTracing.Find()?.EarlyClientFound(activity.GetTagItem("server.address") as string ?? "a host");
    }

    // The platform's propagator reads the Id, which keeps the flags of that moment. A propagator that writes nothing leaves it unread.
    private static bool HasIdBeenRead(Activity activity)
    {
        var flags = activity.ActivityTraceFlags;
        activity.ActivityTraceFlags = flags ^ RandomFlag;
        var hasOldFlags = ActivityContext.TryParse(activity.Id, null, out var context) && (context.TraceFlags & RandomFlag) == (flags & RandomFlag);
        activity.ActivityTraceFlags = flags;
        return hasOldFlags;
    }

    private static bool Forget(Activity activity)
    {
        ref var slot = ref SlotOf(activity);
        if (!ReferenceEquals(slot, activity)) return false;
        slot = null;
        return true;
    }

    private static ref Activity? SlotOf(Activity activity) => ref Unasked[activity.StartTimeUtc.Ticks & (Unasked.Length - 1)];
}
