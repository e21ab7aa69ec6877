using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>Reads one context out of the headers of all formats. <see cref="Freshness"/> decides where two formats of one trace differ.</summary>
internal static class ContextExtractor
{
    /// <summary>Reads the headers of one message. Never throws, whatever they contain.</summary>
    /// <param name="headers">Where to read from.</param>
    /// <param name="settings">Which headers to read.</param>
    /// <param name="empty">The context to return when no header holds anything, and the owner of any other. Null: a new context in any case.</param>
    public static RemoteContext Extract<TReader>(TReader headers, PropagationSettings settings, RemoteContext? empty = null)
        where TReader : struct, IHeaderReader
    {
        // :: Step 1: read every format. A malformed context counts as absent.
        W3CContext w3c = default;
        ulong stale = 0;
        if (settings.W3C) _ = W3CHeaders.TryRead(ref headers, out w3c);
        var b3 = settings.B3 == B3Format.None ? default : B3Headers.Read(ref headers, out stale);

        // :: Step 2: choose the context to continue.
        var ids = w3c.Ids;
        var conflict = ContextConflict.None;
        LinkedContext? link = null;
        var isFromB3 = !w3c.Ids.HasIds;
        if (isFromB3)
        {
            ids = b3;
        }
        else if (!b3.HasIds)
        {
            ids = WithDecision(w3c, b3.State);
        }
        else if (w3c.Ids.IsSameTraceAs(b3))
        {
            ids = OneTrace(w3c, b3, settings.B3First, out conflict);
            if (w3c.Ids.SpanId != b3.SpanId) stale = ids.SpanId == w3c.Ids.SpanId ? b3.SpanId : w3c.Ids.SpanId;
        }
        else
        {
            conflict = ContextConflict.TraceId;
            // Envoy's OpenTelemetry tracer cannot read B3: where it started a trace of its own, B3 holds the caller's.
            isFromB3 = settings.B3First || w3c.IsTraceStateEmpty;
            if (isFromB3) ids = b3;
            link = isFromB3 ? new LinkedContext(w3c.Ids, "w3c", "conflicting_context") : new LinkedContext(b3, "b3", "conflicting_context");
        }

        // :: Step 3: add the debug state of the marker, which survives hops that speak W3C only.
        if (!isFromB3 && w3c.Marker.IsDebug)
        {
            var debug = ids.WithDebug(w3c.Marker.SpanId);
            if (debug.SpanId != ids.SpanId) stale = ids.SpanId;
            ids = debug;
        }

        // :: Step 4: read the headers that are independent of the trace.
        var baggage = settings.Baggage && headers.Get(BaggageHeader.HeaderName) is { Count: > 0 } fields ? BaggageHeader.Parse(fields, out _) : null;
        var requestId = settings.RequestId && headers.Get(RequestIds.RequestId) is [{ Length: > 0 } id, ..] && HeaderText.IsSafe(id) ? id : null;
        var passThrough = ReadPassThrough(ref headers, settings.PassThrough);
        if (empty is not null && ids is { HasIds: false, State: SamplingState.Defer } && baggage is null && requestId is null && passThrough is null) return empty;

        var traceState = isFromB3 ? null : w3c.TraceState;
        // Of a trace that is undecided, the sampler writes the threshold.
        if (ids.State != SamplingState.Defer && ProbabilityState.IsIn(traceState)) traceState = ProbabilityState.WithoutWrongThreshold(traceState, ids.IsSampled, ids.ToActivityTraceId());
        var namesW3CSpan = !isFromB3 && ids.SpanId == w3c.Ids.SpanId;
        return new RemoteContext
        {
            Ids = ids,
            Format = !ids.HasIds ? null : namesW3CSpan || (!isFromB3 && ids.SpanId != b3.SpanId) ? "w3c" : "b3",
            TraceParent = namesW3CSpan && ids.IsSampled == w3c.Ids.IsSampled && TraceParent.IsCanonical(w3c.TraceParent) ? w3c.TraceParent : null,
            TraceState = traceState,
            StaleSpanId = stale,
            Link = link,
            Conflict = conflict,
            Baggage = baggage,
            RequestId = requestId,
            PassThrough = passThrough,
            IsSampledByCaller = ids.IsSampled,
            Owner = empty?.Owner,
        };
    }

    // Beside a W3C context, a decision of B3 without ids counts only if it says debug, or if a proxy wrote W3C that cannot read B3.
    private static TraceIds WithDecision(in W3CContext w3c, SamplingState b3) =>
        b3 == SamplingState.Debug ? w3c.Ids.WithDebug(spanId: 0)
        : b3 != SamplingState.Defer && w3c.IsTraceStateEmpty ? w3c.Ids with { State = b3 }
        : w3c.Ids;

    // W3C has the whole trace id and the random flag, whichever format names the parent.
    private static TraceIds OneTrace(in W3CContext w3c, in TraceIds b3, bool b3First, out ContextConflict conflict)
    {
        var isOneSpan = w3c.Ids.SpanId == b3.SpanId;
        conflict = (isOneSpan ? ContextConflict.None : ContextConflict.SpanId)
            | (b3.State == SamplingState.Defer || w3c.Ids.IsSampled == b3.IsSampled ? ContextConflict.None : ContextConflict.Sampled);
        return (isOneSpan ? b3First : Freshness.IsB3Fresher(w3c.Ids, b3, w3c.Marker.SpanId, b3First))
            ? Freshness.Combine(w3c.Ids with { SpanId = b3.SpanId, State = b3.State }, w3c.Ids)
            : Freshness.Combine(w3c.Ids, b3);
    }

    /// <summary>Reads headers that are forwarded unchanged; null when there are none.</summary>
    /// <param name="headers">Where to read from.</param>
    /// <param name="names">Their names.</param>
    public static List<KeyValuePair<string, StringValues>>? ReadPassThrough<TReader>(ref TReader headers, IReadOnlyList<string> names)
        where TReader : struct, IHeaderReader
    {
        List<KeyValuePair<string, StringValues>>? found = null;
        for (var i = 0; i < names.Count; i++)
        {
            var values = headers.Get(names[i]);
            // An empty tracestate tells of an Envoy that has begun a trace beside a context in B3, which counts then.
            var mayBeEmpty = names[i].Equals(TraceStateList.HeaderName, StringComparison.OrdinalIgnoreCase);
            if (values.Count == 0 || !AreSafe(values, mayBeEmpty)) continue;
            (found ??= new(1)).Add(new(names[i], values));
        }

        return found;
    }

    private static bool AreSafe(StringValues values, bool mayBeEmpty)
    {
        foreach (var value in values)
        {
            if (value is null || (value.Length == 0 && !mayBeEmpty) || !HeaderText.IsSafe(value)) return false;
        }

        return true;
    }
}
