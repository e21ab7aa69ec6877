using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>Headers in, one context out. Every format is read, and <see cref="Freshness"/> decides where they disagree.</summary>
internal static class ContextExtractor
{
    /// <summary>Reads the headers of one message. Never throws for anything in them.</summary>
    /// <param name="headers">Where to read from.</param>
    /// <param name="settings">What to look at.</param>
    /// <param name="nothing">What to return when nothing of all that came in; it also says whose request it is. Null: a new context in any case.</param>
    public static RemoteContext Extract<TReader>(TReader headers, PropagationSettings settings, RemoteContext? nothing = null)
        where TReader : struct, IHeaderReader
    {
        // :: Step 1: read every format. What is malformed counts as absent.
        TraceIds w3c = default;
        StringValues traceState = default;
        MeshMember mesh = default;
        ulong stale = 0;
        string? traceParent = null;
        string? list = null;
        if (settings.W3C && TryReadW3C(ref headers, out w3c, out traceParent, out traceState))
        {
            list = TraceStateList.Normalize(traceState, settings.TraceStateLimit, out mesh);
        }

        var b3 = settings.B3 == B3Format.None ? default : ReadB3(ref headers, out stale);

        // :: Step 2: find the winner.
        var winner = w3c;
        var conflict = ContextConflict.None;
        LosingContext? loser = null;
        if (!w3c.HasIds)
        {
            winner = b3;
        }
        else if (!b3.HasIds)
        {
            // Beside a context a decision without ids counts only if it says debug, or if the context was written by a proxy that cannot read B3.
            if (b3.State == SamplingState.Debug || (b3.State != SamplingState.Defer && TraceStateList.IsPresentButEmpty(traceState)))
            {
                winner = w3c with { State = b3.State };
            }
        }
        else if (w3c.IsSameTraceAs(b3))
        {
            winner = OneTrace(w3c, b3, mesh.SpanId, settings.B3First, out conflict);
            if (w3c.SpanId != b3.SpanId) stale = winner.SpanId == w3c.SpanId ? b3.SpanId : w3c.SpanId;
        }
        else
        {
            conflict = ContextConflict.TraceId;
            if (settings.B3First || TraceStateList.IsPresentButEmpty(traceState))
            {
                loser = new LosingContext(w3c, "w3c", "conflicting_context");
                (winner, list, mesh) = (b3, null, default);
            }
            else
            {
                loser = new LosingContext(b3, "b3", "conflicting_context");
            }
        }

        // :: Step 3: debug may have come on a hop that speaks W3C only. The list then holds what the flags cannot, for our own sampler too; and
        // where that hop did not sample, it exported no span, so the parent is the span that our member names.
        if (mesh.IsDebug && winner.State != SamplingState.Debug)
        {
            var parent = winner.State == SamplingState.Deny && mesh.SpanId != 0 ? mesh.SpanId : winner.SpanId;
            if (parent != winner.SpanId) stale = winner.SpanId;
            winner = winner with { SpanId = parent, State = SamplingState.Debug };
        }

        if (winner.HasIds) list = TraceStateList.WithState(list, mesh, winner.State, settings.TraceStateLimit);

        var baggage = settings.Baggage && headers.Get(BaggageHeader.HeaderName) is { Count: > 0 } fields ? BaggageHeader.Parse(fields, out _) : null;
        var requestId = settings.RequestId && headers.Get(RequestIds.RequestId) is [{ Length: > 0 } id, ..] && HeaderText.IsSafe(id) ? id : null;
        var passThrough = ReadPassThrough(ref headers, settings.PassThrough);
        if (nothing is not null && winner is { HasIds: false, State: SamplingState.Defer } && baggage is null && requestId is null && passThrough is null) return nothing;

        var isW3C = w3c.HasIds && winner.SpanId == w3c.SpanId && loser?.Format != "w3c";
        return new RemoteContext
        {
            Ids = winner,
            Format = !winner.HasIds ? null : isW3C || (winner.SpanId != b3.SpanId && loser?.Format != "w3c") ? "w3c" : "b3",
            TraceParent = isW3C && winner.IsSampled == w3c.IsSampled && TraceParent.IsCanonical(traceParent) ? traceParent : null,
            TraceState = list,
            StaleSpanId = stale,
            Loser = loser,
            Conflict = conflict,
            Baggage = baggage,
            RequestId = requestId,
            PassThrough = passThrough,
            IsSampledByCaller = winner.IsSampled,
            Owner = nothing?.Owner,
        };
    }

    /// <summary>Reads traceparent and, beside a valid one only, tracestate: without it tracestate must not be used.</summary>
    public static bool TryReadW3C<TReader>(ref TReader headers, out TraceIds ids, out string? traceParent, out StringValues traceState)
        where TReader : struct, IHeaderReader
    {
        (ids, traceParent, traceState) = (default, null, default);
        if (headers.Get(TraceParent.HeaderName) is not [{ } only] || !TraceParent.TryParse(only, out ids)) return false;
        (traceParent, traceState) = (only, headers.Get(TraceStateList.HeaderName));
        return true;
    }

    /// <summary>Reads both forms of B3; default when neither says anything.</summary>
    /// <param name="headers">Where to read from.</param>
    /// <param name="stale">The span that the older form names; 0 when there is none.</param>
    public static TraceIds ReadB3<TReader>(ref TReader headers, out ulong stale)
        where TReader : struct, IHeaderReader
    {
        stale = 0;
        var hasSingle = B3Headers.TryReadSingle(ref headers, out var single);
        // A decision alone is an answer too, and the single header's answer is final.
        if (hasSingle && !single.HasIds) return single;

        _ = B3Headers.TryReadMulti(ref headers, out var multi);
        if (!hasSingle) return multi;
        var isMultiFresher = Freshness.IsMultiFresher(single, multi);
        var fresher = isMultiFresher ? Combine(multi with { TraceHigh = multi.TraceHigh | single.TraceHigh }, single) : single;
        if (single.SpanId != multi.SpanId) stale = fresher.SpanId == single.SpanId ? multi.SpanId : single.SpanId;
        return fresher;
    }

    // W3C has the whole trace id and the random flag, whichever format names the parent.
    private static TraceIds OneTrace(in TraceIds w3c, in TraceIds b3, ulong marker, bool b3First, out ContextConflict conflict)
    {
        var isOneSpan = w3c.SpanId == b3.SpanId;
        conflict = (isOneSpan ? ContextConflict.None : ContextConflict.SpanId)
            | (b3.State == SamplingState.Defer || w3c.IsSampled == b3.IsSampled ? ContextConflict.None : ContextConflict.Sampled);
        return (isOneSpan ? b3First : Freshness.IsB3Fresher(w3c, b3, marker, b3First))
            ? Combine(w3c with { SpanId = b3.SpanId, State = b3.State }, w3c)
            : Combine(w3c, b3);
    }

    // The fresher context decides. Where it leaves that open the decision of the other holds, and debug holds in either. A hop that did not
    // sample exported no span: where debug overrules it, the parent is the span that debug came with.
    private static TraceIds Combine(in TraceIds fresher, in TraceIds other)
    {
        if (fresher.State != SamplingState.Defer && other.State != SamplingState.Debug) return fresher;
        return fresher with { SpanId = fresher.State == SamplingState.Deny ? other.SpanId : fresher.SpanId, State = other.State };
    }

    private static List<KeyValuePair<string, StringValues>>? ReadPassThrough<TReader>(ref TReader headers, IReadOnlyList<string> names)
        where TReader : struct, IHeaderReader
    {
        List<KeyValuePair<string, StringValues>>? found = null;
        for (var i = 0; i < names.Count; i++)
        {
            var values = headers.Get(names[i]);
            if (values.Count == 0 || !AreSafe(values)) continue;
            (found ??= new(1)).Add(new(names[i], values));
        }

        return found;
    }

    private static bool AreSafe(StringValues values)
    {
        foreach (var value in values)
        {
            if (string.IsNullOrEmpty(value) || !HeaderText.IsSafe(value)) return false;
        }

        return true;
    }
}
