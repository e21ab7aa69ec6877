using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Http;

/// <summary>
/// The headers of one outbound request. A header that the user set by hand stays, as long as it is one valid value and neither a copy of
/// what came in nor the name of a span of our own; otherwise ours takes its place. Either way one value leaves, and the call never fails
/// because of us.
/// </summary>
internal static class OutboundHeaders
{
    private static readonly HttpRequestOptionsKey<Note> NoteKey = new("Tracing.Sdk.Note");

    private static readonly string[] ContextNames =
    [
        TraceParent.HeaderName, TraceStateList.HeaderName, B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId,
        B3Headers.Sampled, B3Headers.Flags,
    ];

    private static readonly string[] Names = [.. ContextNames, BaggageHeader.HeaderName, RequestIds.RequestId, RequestIds.ClientTraceId];

    // Set on a message when its headers are written: equal to the version that it had, but another object. SocketsHttpHandler takes the fields
    // of a propagator off a message before it sends it again, and nothing else on the message shows that it was sent. Redirects keep the
    // version, and marking with it allocates nothing.
    private static readonly Version[] MarkedVersions = [new(1, 1), new(2, 0), new(3, 0), new(1, 0)];

    /// <summary>The names that a context or baggage is read from and written to.</summary>
    public static IReadOnlyCollection<string> Fields { get; } = Array.AsReadOnly([.. ContextNames, BaggageHeader.HeaderName]);

    /// <summary>Writes the headers and returns how often this message has been sent before, as far as it shows.</summary>
    public static int Write(MeshTracing tracing, HttpRequestMessage request, Activity? activity)
    {
        if (request.RequestUri is not { IsAbsoluteUri: true } uri) return 0;
        var headers = new RequestCarrier(request);
        var remote = RemoteContext.Current;
        var settings = tracing.Propagation;
        var isInside = tracing.MayPropagateTo(uri.Host);

        // :: Step 1: what is a copy of headers that are not trusted does not leave, wherever the message goes.
        if (remote?.Refused is { } refused) RemoveCopies(request, headers, refused.Headers);

        // :: Step 2: a message that has been sent before loses what we wrote then, and has again what was set by hand. It gets fresh ids, and
        // perhaps goes where none may.
        var present = Look(request);
        // Most messages are sent once, into the mesh and with nothing by hand; a note in their options is a dictionary each.
        var wasSent = IsMarked(request);
        var isSetByHand = (present & (Present.Context | Present.Baggage)) != 0;
        var note = wasSent || isSetByHand || !isInside || !settings.W3C ? NoteOf(request, headers, remote, wasSent) : null;
        var isResend = note is { Attempts: > 0 };
        if (!isInside && ((isResend && note!.WasInside) || ((present & Present.Context) != 0 && IsKnown(ContextOn(headers), remote, activity))))
        {
            Remove(request, Names);
            Remove(request, settings.PassThrough);
        }
        else
        {
            if (!isInside && remote is not null) RemoveCopies(request, headers, remote);
            if (isResend)
            {
                if (note!.IsOurs) Remove(request, ContextNames);
                note.PutBack(request);
                present = Look(request);
                if (note.WasInside && !tracing.MaySendBaggageTo(uri.Host)) request.Headers.Remove(BaggageHeader.HeaderName);
            }
            else if ((present & Present.Baggage) != 0)
            {
                note!.Remember(request, BaggageHeader.HeaderName);
            }
        }

        var hasContext = (present & Present.Context) != 0;

        // :: Step 3: baggage has rules of its own.
        if (settings.Baggage) WriteBaggage(tracing, request, (present & Present.Baggage) != 0, ref headers, uri.Host, remote, activity);

        var attempts = note?.Attempts ?? 0;
        if (!isInside)
        {
            // What is left on it is the user's.
            if (hasContext && !isResend) note!.Remember(request, ContextNames);
            Mark(request);
            return attempts;
        }

        // :: Step 4: the context, and what only passes through.
        var context = tracing.Recorder?.ContextToSend(activity);
        var isOurs = context is not null && !(hasContext && UserHasTheSay(request, headers, remote, activity));
        // A marked message without a note has a context of ours.
        var isMarked = Mark(request);
        if (context is null || !isMarked) note ??= NoteOf(request, headers, remote, wasSent);
        if (isOurs) ContextInjector.Inject(context!.Value, ref headers, settings);
        else if (hasContext && !isResend) note!.Remember(request, ContextNames);
        if (note is not null) (note.IsOurs, note.WasInside) = (isOurs, true);
        if (tracing.Recorder is not null) WriteRequestId(request, (present & Present.RequestId) != 0, ref headers, remote, context);
        if (remote?.PassThrough is { } passThrough) WritePassThrough(tracing, request, uri.Host, passThrough);
        return attempts;
    }

    /// <summary>The same for a carrier that is no HTTP request, through the platform's setter.</summary>
    public static void Write(MeshTracing tracing, object? carrier, DistributedContextPropagator.PropagatorSetterCallback setter, Activity? activity)
    {
        var headers = new CallbackWriter(carrier, setter);
        var remote = RemoteContext.Current;
        if (tracing.Recorder?.ContextToSend(activity) is { } outbound)
        {
            ContextInjector.Inject(outbound, ref headers, tracing.Propagation);
            headers.Set(RequestIds.RequestId, RequestIdFor(remote, outbound)!);
        }

        foreach (var (name, values) in remote?.PassThrough ?? [])
        {
            var allowed = Is(name, BaggageHeader.HeaderName) ? OutboundBaggage.WithKeys(values, tracing.Propagation.BaggageKeys) : values;
            if (allowed.Count > 0) headers.Set(name, allowed.ToString());
        }

        if (tracing.Propagation.Baggage && OutboundBaggage.Format(remote, activity, tracing.Propagation.BaggageKeys) is { } baggage)
        {
            headers.Set(BaggageHeader.HeaderName, baggage);
        }
    }

    private static bool IsMarked(HttpRequestMessage request)
    {
        var version = request.Version;
        foreach (var marked in MarkedVersions)
        {
            if (ReferenceEquals(version, marked)) return true;
        }

        return false;
    }

    private static bool Mark(HttpRequestMessage request)
    {
        var version = request.Version;
        foreach (var marked in MarkedVersions)
        {
            if (!marked.Equals(version)) continue;
            request.Version = marked;
            return true;
        }

        return false;
    }

    private static Note NoteOf(HttpRequestMessage request, in RequestCarrier headers, RemoteContext? remote, bool wasSent)
    {
        var isOurs = IsOurs(headers, remote);
        if (request.Options.TryGetValue(NoteKey, out var note))
        {
            note.Attempts++;
            note.IsOurs |= isOurs;
        }
        else
        {
            isOurs |= wasSent;
            request.Options.Set(NoteKey, note = new Note { Attempts = isOurs ? 1 : 0, IsOurs = isOurs, WasInside = isOurs });
        }

        return note;
    }

    // A marker that names the span in traceparent is our own hand, unless it came in like this and was copied.
    private static bool IsOurs(in RequestCarrier headers, RemoteContext? remote) =>
        headers.Get(TraceStateList.HeaderName) is [{ } list]
        && MeshMember.Find(list).SpanId is not 0 and var marker
        && headers.Get(TraceParent.HeaderName) is [{ } parent]
        && TraceParent.TryParse(parent, out var ids)
        && ids.SpanId == marker
        && !IsCopy(ids, remote);

    // A header with the values that came in, as a reverse proxy makes it.
    private static void RemoveCopies(HttpRequestMessage request, in RequestCarrier headers, IReadOnlyList<KeyValuePair<string, StringValues>> received)
    {
        for (var i = 0; i < received.Count; i++)
        {
            var (name, values) = received[i];
            if (IsCopy(headers.Get(name), values)) request.Headers.Remove(name);
        }
    }

    // The same for what is trusted, towards a host that gets nothing of it. Baggage is looked at member by member.
    private static void RemoveCopies(HttpRequestMessage request, in RequestCarrier headers, RemoteContext remote)
    {
        if (remote.RequestId is { } id && IsCopy(headers.Get(RequestIds.RequestId), id)) request.Headers.Remove(RequestIds.RequestId);
        if (remote.PassThrough is { } passThrough) RemoveCopies(request, headers, passThrough);
    }

    // All values that came in, one of several, or several folded into one.
    private static bool IsCopy(StringValues written, StringValues received)
    {
        if (written.Count == 0) return false;
        foreach (var value in written)
        {
            if (!received.Contains(value)) return written.ToString() == received.ToString();
        }

        return true;
    }

    private static void Remove(HttpRequestMessage request, IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++) request.Headers.Remove(names[i]);
    }

    private static bool UserHasTheSay(HttpRequestMessage request, in RequestCarrier headers, RemoteContext? remote, Activity? activity)
    {
        var set = ContextOn(headers);
        if ((set.HasIds || set.State != SamplingState.Defer) && !IsKnown(set, remote, activity)) return true;
        Remove(request, ContextNames);
        return false;
    }

    private static TraceIds ContextOn(in RequestCarrier headers) => ContextExtractor.Extract(headers, PropagationSettings.ContextOnly).Ids;

    // A copy of what came in, or the name of a span that is open here: other instrumentation of HttpClient writes that before we are asked.
    private static bool IsKnown(in TraceIds set, RemoteContext? remote, Activity? activity)
    {
        if (IsCopy(set, remote)) return true;
        if (!set.HasIds) return false;
        for (var a = activity; a is { IdFormat: ActivityIdFormat.W3C }; a = a.Parent)
        {
            if (Hex.ToUInt64(a.SpanId) == set.SpanId) return true;
        }

        return false;
    }

    // Of the context that came in, of its stale format, or of one that came in and was not believed.
    private static bool IsCopy(in TraceIds set, RemoteContext? remote) =>
        remote is not null
        && (!set.HasIds ? set.State != SamplingState.Defer && set == remote.Ids
            : IsCopy(set, remote.Ids, remote.StaleSpanId) || (remote.Loser is { } loser && IsCopy(set, loser.Ids, remote.StaleSpanId))
            || IsCopy(set, remote.Refused?.Received));

    private static bool IsCopy(in TraceIds set, in TraceIds received, ulong stale) =>
        set.TraceLow == received.TraceLow && (set.SpanId == received.SpanId || set.SpanId == stale);

    // Most requests carry two or three headers: looking at each once is cheaper than asking for ten names.
    private static Present Look(HttpRequestMessage request)
    {
        var present = default(Present);
        foreach (var (name, _) in request.Headers.NonValidated)
        {
            if (name[0] is not ('t' or 'T' or 'b' or 'B' or 'x' or 'X')) continue;
            if (Is(name, RequestIds.RequestId)) present |= Present.RequestId;
            else if (Is(name, BaggageHeader.HeaderName)) present |= Present.Baggage;
            else if (IsContext(name)) present |= Present.Context;
        }

        return present;
    }

    private static bool IsContext(string name)
    {
        foreach (var known in ContextNames)
        {
            if (Is(name, known)) return true;
        }

        return false;
    }

    private static bool Is(string name, string known) => known.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static void WriteBaggage(
        MeshTracing tracing, HttpRequestMessage request, bool isPresent, ref RequestCarrier headers, string host, RemoteContext? remote, Activity? activity)
    {
        var keys = tracing.Propagation.BaggageKeys;
        if (isPresent && headers.Get(BaggageHeader.HeaderName) is { Count: > 0 } written)
        {
            var merged = OutboundBaggage.Merge(written, remote, activity, keys, tracing.MaySendBaggageTo(host));
            if (written is [{ } only] && only == merged) return;
            request.Headers.Remove(BaggageHeader.HeaderName);
            if (merged is not null) headers.Set(BaggageHeader.HeaderName, merged);
        }
        else if (OutboundBaggage.Format(remote, activity, keys) is { } baggage && tracing.MaySendBaggageTo(host))
        {
            headers.Set(BaggageHeader.HeaderName, baggage);
        }
    }

    private static void WriteRequestId(
        HttpRequestMessage request, bool isPresent, ref RequestCarrier headers, RemoteContext? remote, in OutboundContext? context)
    {
        if (isPresent)
        {
            if (headers.Get(RequestIds.RequestId) is [{ Length: > 0 } byHand] && HeaderText.IsSafe(byHand)) return;
            request.Headers.Remove(RequestIds.RequestId);
        }

        if (RequestIdFor(remote, context) is { } id) headers.Set(RequestIds.RequestId, id);
    }

    // Envoy reads a decision out of the id: where the caller's decision does not count, its digit is ours.
    private static string? RequestIdFor(RemoteContext? remote, in OutboundContext? context)
    {
        var isSampled = context is { } outbound && IsSampled(outbound);
        if (remote?.RequestId is { } received) return remote.Trust == TraceTrust.Trust ? received : RequestIds.WithDecision(received, isSampled);
        return context is { TraceId: var traceId } ? RequestIds.ForTrace(traceId, isSampled) : null;
    }

    private static void WritePassThrough(
        MeshTracing tracing, HttpRequestMessage request, string host, IReadOnlyList<KeyValuePair<string, StringValues>> passThrough)
    {
        for (var i = 0; i < passThrough.Count; i++)
        {
            var (name, values) = passThrough[i];
            if (request.Headers.Contains(name)) continue;
            if (Is(name, BaggageHeader.HeaderName))
            {
                // Not understood here, only forwarded: its rules hold all the same.
                if (!tracing.MaySendBaggageTo(host)) continue;
                values = OutboundBaggage.WithKeys(values, tracing.Propagation.BaggageKeys);
            }

            if (values.Count > 0) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    private static bool IsSampled(in OutboundContext context) => context.State is SamplingState.Accept or SamplingState.Debug;

    private readonly struct CallbackWriter(object? carrier, DistributedContextPropagator.PropagatorSetterCallback setter) : IHeaderWriter
    {
        public void Set(string name, string value) => setter(carrier, name, value);
    }

    /// <summary>Which headers of ours are on a message before we write any.</summary>
    [Flags]
    private enum Present
    {
        Context = 1,
        Baggage = 2,
        RequestId = 4,
    }

    /// <summary>What the headers of a message do not show when it is sent again.</summary>
    private sealed class Note
    {
        public int Attempts { get; set; }

        /// <summary>Whether the context on it is what we wrote.</summary>
        public bool IsOurs { get; set; }

        /// <summary>Whether it has been sent to a host of the mesh, so that it may carry what must not leave.</summary>
        public bool WasInside { get; set; }

        // In the order in which they were set; null when none were.
        private List<KeyValuePair<string, StringValues>>? _setByHand;

        public void Remember(HttpRequestMessage request, params ReadOnlySpan<string> names)
        {
            var headers = new RequestCarrier(request);
            foreach (var name in names)
            {
                if (headers.Get(name) is { Count: > 0 } values) (_setByHand ??= []).Add(new(name, values));
            }
        }

        public void PutBack(HttpRequestMessage request)
        {
            if (_setByHand is null) return;
            foreach (var (name, values) in _setByHand)
            {
                if (!request.Headers.Contains(name)) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }
    }
}
