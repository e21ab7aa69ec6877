using System.Collections.Frozen;
using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>
/// The headers of one outbound request. A header that the user set by hand stays, as long as it is one valid value and no mere copy
/// of what came in; otherwise ours takes its place. Either way one value leaves, and the call never fails because of us.
/// </summary>
internal static class OutboundHeaders
{
    private static readonly HttpRequestOptionsKey<Written> WrittenKey = new("Tracing.Sdk.Written");

    private static readonly string[] ContextNames =
    [
        TraceParent.HeaderName, TraceStateList.HeaderName, B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId,
        B3Headers.Sampled, B3Headers.Flags,
    ];

    private static readonly FrozenSet<string> AllNames = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, [.. ContextNames, BaggageHeader.HeaderName, RequestIds.RequestId, RequestIds.ClientTraceId]);

    /// <summary>Writes the headers and returns how often this message has been sent before.</summary>
    public static int Write(MeshTracing tracing, HttpRequestMessage request, Activity? activity)
    {
        var attempt = 0;
        if (request.Options.TryGetValue(WrittenKey, out var written))
        {
            attempt = ++written.Attempts;
            written.TakeBack(request);
        }
        else
        {
            request.Options.Set(WrittenKey, written = new Written { ByHand = SetByHand(request) });
        }

        if (request.RequestUri is not { IsAbsoluteUri: true } uri) return attempt;

        var headers = new RequestCarrier(request);
        var remote = RemoteContext.Current;
        WriteBaggage(tracing, request, uri.Host, remote, activity, ref headers, written);
        if (!tracing.MayPropagateTo(uri.Host)) return attempt;

        var context = tracing.Recorder?.ContextToSend(activity);
        if (context is { } outbound && (written.ByHand is null || !UserHasTheSay(request, headers, remote)))
        {
            ContextInjector.Inject(outbound, ref headers, tracing.Propagation);
            written.Context = true;
        }

        if (tracing.Recorder is not null) WriteRequestId(request, ref headers, remote?.RequestId, context, written);
        if (remote?.PassThrough is { } passThrough) WritePassThrough(request, passThrough, written);
        return attempt;
    }

    /// <summary>The same for a carrier that is no HTTP request, through the platform's setter.</summary>
    public static void Write(MeshTracing tracing, object? carrier, DistributedContextPropagator.PropagatorSetterCallback setter, Activity? activity)
    {
        var headers = new CallbackWriter(carrier, setter);
        var remote = RemoteContext.Current;
        if (tracing.Recorder?.ContextToSend(activity) is { } outbound)
        {
            ContextInjector.Inject(outbound, ref headers, tracing.Propagation);
            headers.Set(RequestIds.RequestId, remote?.RequestId ?? RequestIds.ForTrace(outbound.TraceId, IsSampled(outbound)));
        }

        foreach (var (name, values) in remote?.PassThrough ?? [])
        {
            headers.Set(name, values.ToString());
        }

        if (tracing.Propagation.Baggage && OutboundBaggage.Format(remote, activity, tracing.Propagation.BaggageKeys) is { } baggage)
        {
            headers.Set(BaggageHeader.HeaderName, baggage);
        }
    }

    /// <summary>All names that may be written.</summary>
    public static IReadOnlyList<string> Names => AllNames.Items;

    private static bool UserHasTheSay(HttpRequestMessage request, in RequestCarrier headers, RemoteContext? remote)
    {
        var set = ContextExtractor.Extract(headers, PropagationSettings.ContextOnly).Ids;
        var isCopy = set.HasIds && remote is not null && set.SpanId == remote.Ids.SpanId && set.TraceLow == remote.Ids.TraceLow;
        if ((set.HasIds || set.State != SamplingState.Defer) && !isCopy) return true;
        foreach (var name in ContextNames) request.Headers.Remove(name);
        return false;
    }

    // Most requests carry two or three headers: looking at each once is cheaper than asking for every name.
    private static List<KeyValuePair<string, string[]>>? SetByHand(HttpRequestMessage request)
    {
        List<KeyValuePair<string, string[]>>? found = null;
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (name[0] is not ('t' or 'T' or 'b' or 'B' or 'x' or 'X')) continue;
            if (AllNames.Contains(name)) (found ??= []).Add(new(name, [.. values]));
        }

        return found;
    }

    private static void WriteBaggage(
        MeshTracing tracing, HttpRequestMessage request, string host, RemoteContext? remote, Activity? activity, ref RequestCarrier headers, Written written)
    {
        if (!tracing.Propagation.Baggage || OutboundBaggage.Format(remote, activity, tracing.Propagation.BaggageKeys) is not { } baggage) return;
        if (!tracing.MaySendBaggageTo(host) || request.Headers.Contains(BaggageHeader.HeaderName)) return;
        headers.Set(BaggageHeader.HeaderName, baggage);
        written.Baggage = true;
    }

    private static void WriteRequestId(HttpRequestMessage request, ref RequestCarrier headers, string? received, in OutboundContext? context, Written written)
    {
        if (headers.Get(RequestIds.RequestId) is [{ Length: > 0 } byHand] && HeaderText.IsSafe(byHand)) return;
        var id = received ?? (context is { } outbound ? RequestIds.ForTrace(outbound.TraceId, IsSampled(outbound)) : null);
        if (id is null) return;
        request.Headers.Remove(RequestIds.RequestId);
        headers.Set(RequestIds.RequestId, id);
        written.RequestId = true;
    }

    private static void WritePassThrough(HttpRequestMessage request, IReadOnlyList<KeyValuePair<string, StringValues>> passThrough, Written written)
    {
        for (var i = 0; i < passThrough.Count; i++)
        {
            var (name, values) = passThrough[i];
            if (request.Headers.Contains(name)) continue;
            request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            (written.PassThrough ??= []).Add(name);
        }
    }

    private static bool IsSampled(in OutboundContext context) => context.State is SamplingState.Accept or SamplingState.Debug;

    private readonly struct CallbackWriter(object? carrier, DistributedContextPropagator.PropagatorSetterCallback setter) : IHeaderWriter
    {
        public void Set(string name, string value) => setter(carrier, name, value);
    }

    /// <summary>
    /// What we wrote to a message. Sent again, by a retry or after a redirect, it gets fresh ids, and perhaps goes where none may: ours are
    /// taken back first, the user's stay.
    /// </summary>
    private sealed class Written
    {
        /// <summary>Ours by name, but there before us; null when there were none.</summary>
        public List<KeyValuePair<string, string[]>>? ByHand { get; init; }

        public int Attempts { get; set; }

        public bool Context { get; set; }

        public bool RequestId { get; set; }

        public bool Baggage { get; set; }

        public List<string>? PassThrough { get; set; }

        public void TakeBack(HttpRequestMessage request)
        {
            if (Context)
            {
                foreach (var name in ContextNames) request.Headers.Remove(name);
            }

            if (RequestId) request.Headers.Remove(RequestIds.RequestId);
            if (Baggage) request.Headers.Remove(BaggageHeader.HeaderName);
            foreach (var name in PassThrough ?? []) request.Headers.Remove(name);
            (Context, RequestId, Baggage, PassThrough) = (false, false, false, null);

            // The platform takes all our names off before it asks a second time, whoever set them.
            foreach (var (name, values) in ByHand ?? [])
            {
                if (!request.Headers.Contains(name)) request.Headers.TryAddWithoutValidation(name, values);
            }
        }
    }
}
