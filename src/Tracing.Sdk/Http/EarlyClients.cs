using System.Diagnostics;
using System.Diagnostics.Tracing;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>Finds the calls of HttpClients that were made before tracing was added. Their handlers have captured the platform's propagator, so the platform writes their
/// headers without <see cref="OutboundPropagator"/>.</summary>
/// <remarks>The platform calls a propagator on the thread that starts the span, right after the start. A span for which <see cref="OutboundPropagator"/> was not called
/// belongs to such a client, or to a handler with a propagator of its own. The latter gives no warning unless it reads the id of the Activity, as the platform's
/// propagator does.</remarks>
internal static class EarlyClients
{
    // Created with the first HttpClient of the process.
    private const string ClientEventSource = "Private.InternalDiagnostics.System.Net.Http";

    private const ActivityTraceFlags RandomFlag = (ActivityTraceFlags)Propagation.TraceIds.RandomFlag;

    // Spans that have started and for which no headers were requested yet, by their start time. One that is overwritten is not found.
    private static readonly Activity?[] Started = new Activity?[64];

    private static readonly ActivityListener Listener = new()
    {
        ShouldListenTo = static source => source.Name == SourceNames.HttpClient && !OtherListeners.IsProbe(source),
        ActivityStarted = static activity => SpanStarted(activity),
        ActivityStopped = static activity => SpanStopped(activity),
    };

    // False where no client was made before tracing was added.
    private static bool _mayExist;

    // The span that has started on this thread, until its headers are requested.
    [ThreadStatic]
    private static Activity? t_started;

    /// <summary>Starts to look for such calls, if there are clients. Called once, before <see cref="OutboundPropagator"/> becomes the current one.</summary>
    public static void Watch()
    {
        var exist = EventSource.GetSources().Any(static source => source.Name == ClientEventSource);
        // An application may be trimmed of event sources. The source of the spans exists once a client has been used.
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

    /// <summary>Notes that <see cref="OutboundPropagator"/> was called for a span.</summary>
    public static void HeadersRequested(Activity? activity)
    {
        if (!_mayExist) return;
        if (t_started is { } started) Forget(started);
        t_started = null;
        // Another listener may have started a span in between.
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
        TracingInstance.Find()?.Warnings.EarlyClient(activity.GetTagItem("server.address") as string ?? "a host");
    }

    // The platform's propagator sends Activity.Id, a string that the Activity makes when it is first read, and keeps: with the flags of that moment.
    // No property tells whether it has been made. So the flags are changed and the Id is read: an Id with the old flags existed before,
    // which means that it was sent; one with the new flags is made only now. Stopped spans only, whose flags no other code changes any more.
    private static bool HasIdBeenRead(Activity activity)
    {
        var flags = activity.ActivityTraceFlags;
        activity.ActivityTraceFlags = flags ^ RandomFlag;
        var isOlder = ActivityContext.TryParse(activity.Id, null, out var context) && (context.TraceFlags & RandomFlag) == (flags & RandomFlag);
        activity.ActivityTraceFlags = flags;
        return isOlder;
    }

    private static bool Forget(Activity activity)
    {
        ref var slot = ref SlotOf(activity);
        if (!ReferenceEquals(slot, activity)) return false;
        slot = null;
        return true;
    }

    private static ref Activity? SlotOf(Activity activity) => ref Started[activity.StartTimeUtc.Ticks & (Started.Length - 1)];
}
