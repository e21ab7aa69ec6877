using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>Writes the headers of one outbound request. A context that user code has set is kept, as long as it is one valid value and neither a copy of what came in nor
/// the id of an open span; otherwise this library's context replaces it. One value is sent in either case, and the call never fails because of it.</summary>
internal static class OutboundHeaders
{
    /// <summary>Writes the headers and returns how often this message has been sent before, as far as it shows.</summary>
    public static int Write(TracingInstance tracing, HttpRequestMessage request, Activity? activity)
    {
        if (request.RequestUri is not { IsAbsoluteUri: true } uri) return 0;
        var (propagation, call) = (tracing.Propagation, CallSettings.Find(request));
        var (remote, recorder, settings) = FindContext(tracing, activity);
        // What came in with an ignored request goes on in its own format.
        var formats = recorder is null ? settings : call?.Formats ?? settings;
        var isTarget = call?.IsTarget ?? propagation.Targets.Allows(uri.Host);

        // :: Step 1: remove copies of headers that the caller is not trusted with, wherever the request goes.
        if (remote?.Refused is { } refused) CopiedHeaders.Remove(request, refused.Headers);

        // :: Step 2: undo an earlier sending of the same message. The usual message is sent once, to a target, and has no headers of user code.
        var present = Find(request);
        var wasSent = SentMark.IsSet(request);
        var isPlain = !wasSent && isTarget && formats.W3C && (present & (Present.Context | Present.Baggage)) == 0;
        var note = isPlain ? null : RequestNote.GetOrAdd(request, remote, wasSent);
        if (note is { Attempts: > 0 })
        {
            note.Restore(request);
            present = Find(request);
        }

        // :: Step 3: remove what the host must not get.
        if (!isTarget) present = RemoveReceived(request, present, note!, settings, remote, activity);
        else if (note is { WasSentInside: true } && !IsBaggageTarget(propagation, call, uri)) request.Headers.Remove(BaggageHeader.HeaderName);

        // :: Step 4: write baggage, which has targets of its own.
        note?.Remember(request, BaggageHeader.HeaderName);
        if (formats.Baggage || call is { SendsBaggage: not null })
        {
            WriteBaggage(request, (present & Present.Baggage) != 0, propagation, call, remote, activity);
        }

        // :: Step 5: write the other headers, which only targets get.
        if (isTarget)
        {
            WriteContext(recorder, formats, request, present, wasSent, ref note, remote, activity);
            if (remote?.PassThrough is { } passThrough) WritePassThrough(request, propagation, call, passThrough);
        }
        else
        {
            note!.Remember(request, ContextHeaders.TraceContext);
            SentMark.TrySet(request);
        }

        return note?.Attempts ?? 0;
    }

    /// <summary>The same for a carrier that is no HTTP request.</summary>
    public static void Write<TWriter>(TracingInstance tracing, ref TWriter headers, Activity? activity) where TWriter : struct, IHeaderWriter
    {
        var (remote, recorder, settings) = FindContext(tracing, activity);
        if (recorder?.ContextToSend(activity) is { } outbound)
        {
            ContextInjector.Inject(outbound, ref headers, settings);
            headers.Set(RequestIds.RequestId, RequestIds.ForCall(remote, outbound)!);
        }

        foreach (var (name, values) in remote?.PassThrough ?? [])
        {
            var allowed = IsName(name, BaggageHeader.HeaderName) ? OutboundBaggage.WithKeys(values, settings.BaggageKeys) : values;
            if (allowed.Count > 0) headers.Set(name, allowed.ToString());
        }

        if (settings.Baggage && OutboundBaggage.Format(remote, activity, settings.BaggageKeys) is { } baggage) headers.Set(BaggageHeader.HeaderName, baggage);
    }

    /// <summary>Removes headers that name an activity which is taken back. OpenTelemetry's instrumentation of HTTP writes them when the activity starts, before this library does.</summary>
    public static void RemoveContextOf(Activity activity, HttpRequestMessage request)
    {
        if (!OtherListeners.HearCalls || (Find(request) & Present.Context) == 0) return;
        var headers = new RequestCarrier(request);
        if (ContextOn(headers) is { HasIds: true } written && written.ToActivitySpanId() == activity.SpanId) headers.Remove(ContextHeaders.TraceContext);
    }

    // Without a recorder, what came in is forwarded: in forward mode, and in a request that is ignored.
    private static (RemoteContext? Remote, SpanRecorder? Recorder, PropagationSettings Settings) FindContext(TracingInstance tracing, Activity? activity)
    {
        var (remote, recorder, propagation) = (RemoteContext.Current, tracing.Recorder, tracing.Propagation);
        if (recorder is not null && activity is { Recorded: false } && remote is not { Ignored: not null } && recorder.TryIgnore(activity)) remote = RemoteContext.Current;
        if (remote is { Ignored: not null }) recorder = null;
        return (remote, recorder, recorder is null ? propagation.Forward : propagation.Settings);
    }

    // A message that holds a context of this process loses all headers, because any of them may come from here; another one loses copies only.
    private static Present RemoveReceived(
        HttpRequestMessage request, Present present, RequestNote note, PropagationSettings settings, RemoteContext? remote, Activity? activity)
    {
        var headers = new RequestCarrier(request);
        if (note.WasSentInside || ((present & Present.Context) != 0 && CopiedHeaders.IsCopyOrOpenSpan(ContextOn(headers), remote, activity)))
        {
            headers.Remove(ContextHeaders.All);
            headers.Remove(settings.PassThrough);
            return default;
        }

        if (remote?.RequestId is { } id) CopiedHeaders.Remove(request, RequestIds.RequestId, id);
        if (remote?.PassThrough is { } passThrough) CopiedHeaders.Remove(request, passThrough);
        return present;
    }

    // Baggage is compared member by member, so that members that user code adds to a copy are sent.
    private static void WriteBaggage(
        HttpRequestMessage request, bool isPresent, ContextPropagation propagation, CallSettings? call, RemoteContext? remote, Activity? activity)
    {
        var headers = new RequestCarrier(request);
        var keys = propagation.Settings.BaggageKeys;
        if (isPresent && headers.Get(BaggageHeader.HeaderName) is { Count: > 0 } written)
        {
            var merged = OutboundBaggage.Merge(written, remote, activity, keys, IsBaggageTarget(propagation, call, request.RequestUri!));
            if (written is [{ } only] && only == merged) return;
            request.Headers.Remove(BaggageHeader.HeaderName);
            if (merged is not null) headers.Set(BaggageHeader.HeaderName, merged);
        }
        else if (OutboundBaggage.Format(remote, activity, keys) is { } baggage && IsBaggageTarget(propagation, call, request.RequestUri!))
        {
            headers.Set(BaggageHeader.HeaderName, baggage);
        }
    }

    private static void WriteContext(
        SpanRecorder? recorder, PropagationSettings formats, HttpRequestMessage request, Present present, bool wasSent, ref RequestNote? note, RemoteContext? remote, Activity? activity)
    {
        var headers = new RequestCarrier(request);
        var context = recorder?.ContextToSend(activity);
        var hasContext = (present & Present.Context) != 0;
        var isOurs = context is not null && !(hasContext && IsSetByUser(ContextOn(headers), remote, activity));
        // A marked message without a note counts as one with this library's context.
        if (!SentMark.TrySet(request) || context is null) note ??= RequestNote.GetOrAdd(request, remote, wasSent);
        if (isOurs)
        {
            if (hasContext) headers.Remove(ContextHeaders.TraceContext);
            ContextInjector.Inject(context!.Value, ref headers, formats);
        }
        else
        {
            // Where headers are only forwarded, what came in stands before a span of other instrumentation.
            if (hasContext && recorder is null && remote is not null && CopiedHeaders.IsOpenSpan(ContextOn(headers), activity)) headers.Remove(ContextHeaders.TraceContext);
            note?.Remember(request, ContextHeaders.TraceContext);
        }

        note?.SentInside(isOurs);
        if (recorder is not null) WriteRequestId(request, (present & Present.RequestId) != 0, remote, context);
    }

    private static void WriteRequestId(HttpRequestMessage request, bool isPresent, RemoteContext? remote, in OutboundContext? context)
    {
        var headers = new RequestCarrier(request);
        if (isPresent)
        {
            if (headers.Get(RequestIds.RequestId) is [{ Length: > 0 } set] && HeaderText.IsSafe(set)) return;
            request.Headers.Remove(RequestIds.RequestId);
        }

        if (RequestIds.ForCall(remote, context) is { } id) headers.Set(RequestIds.RequestId, id);
    }

    private static void WritePassThrough(
        HttpRequestMessage request, ContextPropagation propagation, CallSettings? call, IReadOnlyList<KeyValuePair<string, StringValues>> passThrough)
    {
        for (var i = 0; i < passThrough.Count; i++)
        {
            var (name, values) = passThrough[i];
            if (request.Headers.Contains(name)) continue;
            if (IsName(name, BaggageHeader.HeaderName))
            {
                // Its rules hold also where it is only forwarded.
                if (!IsBaggageTarget(propagation, call, request.RequestUri!)) continue;
                values = OutboundBaggage.WithKeys(values, propagation.Settings.BaggageKeys);
            }

            if (values.Count > 0) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    private static bool IsBaggageTarget(ContextPropagation propagation, CallSettings? call, Uri uri) => call?.SendsBaggage ?? propagation.BaggageTargets.Allows(uri.Host);

    private static bool IsSetByUser(in TraceIds written, RemoteContext? remote, Activity? activity) =>
        (written.HasIds || written.State != SamplingState.Defer) && !CopiedHeaders.IsCopyOrOpenSpan(written, remote, activity);

    private static TraceIds ContextOn(in RequestCarrier headers) => ContextExtractor.Extract(headers, PropagationSettings.ContextOnly).Ids;

    // Most requests have two or three headers: one pass over them costs less than ten lookups.
    private static Present Find(HttpRequestMessage request)
    {
        var present = default(Present);
        foreach (var (name, _) in request.Headers.NonValidated)
        {
            if (name[0] is not ('t' or 'T' or 'b' or 'B' or 'x' or 'X')) continue;
            if (IsName(name, RequestIds.RequestId)) present |= Present.RequestId;
            else if (IsName(name, BaggageHeader.HeaderName)) present |= Present.Baggage;
            else if (ContextHeaders.TraceContext.AsSpan().Contains(name, StringComparer.OrdinalIgnoreCase)) present |= Present.Context;
        }

        return present;
    }

    private static bool IsName(string name, string known) => known.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>The headers on a message before this library writes any.</summary>
    [Flags]
    private enum Present
    {
        Context = 1,
        Baggage = 2,
        RequestId = 4,
    }
}
