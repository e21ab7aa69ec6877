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
    // How often a message has been sent: after a redirect or by a retry it gets fresh ids.
    private static readonly HttpRequestOptionsKey<int> Attempts = new("Tracing.Sdk.Attempts");

    private static readonly string[] ContextNames =
    [
        TraceParent.HeaderName, TraceStateList.HeaderName, B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId,
        B3Headers.Sampled, B3Headers.Flags,
    ];

    /// <summary>Writes the headers and returns how often this message has been sent before.</summary>
    public static int Write(MeshTracing tracing, HttpRequestMessage request, Activity? activity)
    {
        var attempt = Attempt(request, tracing.Propagation);
        var isResend = attempt > 0;
        if (request.RequestUri is not { IsAbsoluteUri: true } uri) return attempt;

        var headers = new RequestCarrier(request);
        var remote = RemoteContext.Current;
        if (!tracing.MayPropagateTo(uri.Host))
        {
            // Sent inside before and now to a stranger: what we wrote for the first must not reach the second.
            if (isResend) RemoveOurs(request, tracing.Propagation);
            WriteBaggage(tracing, request, uri.Host, remote, activity, ref headers);
            return attempt;
        }

        if (isResend) Remove(request, ContextNames);
        WriteBaggage(tracing, request, uri.Host, remote, activity, ref headers);

        var context = tracing.Recorder?.ContextToSend(activity);
        if (context is { } outbound)
        {
            if (isResend || !UserHasTheSay(request, headers, remote)) ContextInjector.Inject(outbound, ref headers, tracing.Propagation);
            WriteRequestId(request, ref headers, remote?.RequestId, outbound);
        }

        if (remote?.PassThrough is { } passThrough) WritePassThrough(request, passThrough);
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
    public static IReadOnlyList<string> Names { get; } = [.. ContextNames, BaggageHeader.HeaderName, RequestIds.RequestId, RequestIds.ClientTraceId];

    // Counted from the second time on: most messages are sent once, and a note in their options is a dictionary each.
    // That it is the second time shows in the headers: a marker that names the span in traceparent is our own hand.
    private static int Attempt(HttpRequestMessage request, PropagationSettings settings)
    {
        if (settings.W3C)
        {
            var headers = new RequestCarrier(request);
            if (headers.Get(TraceStateList.HeaderName) is not [{ } list] || MeshMember.Find(list).SpanId is not (not 0 and var marker)) return 0;
            if (headers.Get(TraceParent.HeaderName) is not [{ } parent] || !TraceParent.TryParse(parent, out var ids) || ids.SpanId != marker) return 0;
            // What came in with the request may look the same: a copy of it is not our hand.
            if (RemoteContext.Current is { } remote && remote.Ids.SpanId == ids.SpanId) return 0;
        }

        var attempt = request.Options.TryGetValue(Attempts, out var known) ? known : settings.W3C ? 1 : 0;
        request.Options.Set(Attempts, attempt + 1);
        return attempt;
    }

    private static void RemoveOurs(HttpRequestMessage request, PropagationSettings settings)
    {
        Remove(request, Names);
        Remove(request, settings.PassThrough);
    }

    private static void Remove(HttpRequestMessage request, IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++) request.Headers.Remove(names[i]);
    }

    private static bool UserHasTheSay(HttpRequestMessage request, in RequestCarrier headers, RemoteContext? remote)
    {
        if (!HasContext(request)) return false;
        var set = ContextExtractor.Extract(headers, PropagationSettings.ContextOnly).Ids;
        var isCopy = set.HasIds && remote is not null && set.SpanId == remote.Ids.SpanId && set.TraceLow == remote.Ids.TraceLow;
        if ((set.HasIds || set.State != SamplingState.Defer) && !isCopy) return true;
        Remove(request, ContextNames);
        return false;
    }

    // Most requests carry two or three headers: looking at each once is cheaper than asking for eight names.
    private static bool HasContext(HttpRequestMessage request)
    {
        foreach (var (name, _) in request.Headers.NonValidated)
        {
            if (name[0] is not ('t' or 'T' or 'b' or 'B' or 'x' or 'X')) continue;
            foreach (var known in ContextNames)
            {
                if (known.Equals(name, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }

    private static void WriteBaggage(
        MeshTracing tracing, HttpRequestMessage request, string host, RemoteContext? remote, Activity? activity, ref RequestCarrier headers)
    {
        if (!tracing.Propagation.Baggage || OutboundBaggage.Format(remote, activity, tracing.Propagation.BaggageKeys) is not { } baggage) return;
        if (tracing.MaySendBaggageTo(host) && !request.Headers.Contains(BaggageHeader.HeaderName)) headers.Set(BaggageHeader.HeaderName, baggage);
    }

    private static void WriteRequestId(HttpRequestMessage request, ref RequestCarrier headers, string? received, in OutboundContext context)
    {
        if (headers.Get(RequestIds.RequestId) is [{ Length: > 0 }]) return;
        request.Headers.Remove(RequestIds.RequestId);
        headers.Set(RequestIds.RequestId, received ?? RequestIds.ForTrace(context.TraceId, IsSampled(context)));
    }

    private static void WritePassThrough(HttpRequestMessage request, IReadOnlyList<KeyValuePair<string, StringValues>> passThrough)
    {
        for (var i = 0; i < passThrough.Count; i++)
        {
            var (name, values) = passThrough[i];
            if (!request.Headers.Contains(name)) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    private static bool IsSampled(in OutboundContext context) => context.State is SamplingState.Accept or SamplingState.Debug;

    private readonly struct CallbackWriter(object? carrier, DistributedContextPropagator.PropagatorSetterCallback setter) : IHeaderWriter
    {
        public void Set(string name, string value) => setter(carrier, name, value);
    }
}
