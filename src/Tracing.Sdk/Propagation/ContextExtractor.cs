using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>Headers in, one context out. Every format is read, and <see cref="Freshness"/> decides where they disagree.</summary>
internal static class ContextExtractor
{
    /// <param name="headers">Where to read from.</param>
    /// <param name="settings">What to read.</param>
    /// <param name="nothing">What to return when nothing of all that came in; it also says whose request it is. Null: a new context in any case.</param>
    public static RemoteContext Extract<TReader>(in TReader headers, PropagationSettings settings, RemoteContext? nothing = null)
        where TReader : struct, IHeaderReader
    {
        // :: Step 1: read every format. What is malformed counts as absent.
        TraceIds w3c = default;
        StringValues traceState = default;
        string? traceParent = null;
        if (settings.W3C && headers.Get(TraceParent.HeaderName) is [{ } only] && TraceParent.TryParse(only, out w3c))
        {
            traceParent = only;
            // Without a traceparent nobody may look at it.
            traceState = headers.Get(TraceStateList.HeaderName);
        }

        var b3 = settings.B3 == B3Format.None ? default : ReadB3(headers);

        // :: Step 2: find the winner.
        var winner = w3c;
        var conflict = ContextConflict.None;
        LosingContext? loser = null;
        var list = w3c.HasIds ? TraceStateList.Normalize(traceState, settings.TraceStateLimit) : null;
        if (!w3c.HasIds)
        {
            winner = b3;
        }
        else if (b3.HasIds)
        {
            winner = w3c.IsSameTraceAs(b3)
                ? SameTrace(w3c, b3, MeshMember.Find(list).SpanId, settings.B3First, out conflict)
                : DifferentTraces(w3c, b3, settings.B3First || TraceStateList.IsPresentButEmpty(traceState), out conflict, out loser);
            if (loser?.Format == "w3c") list = null;
        }

        // :: Step 3: debug is taken over from whoever says it of this trace.
        if (winner.State != SamplingState.Debug
            && ((b3.State == SamplingState.Debug && loser is null) || (winner.HasIds && MeshMember.Find(list).IsDebug)))
        {
            winner = winner with { State = SamplingState.Debug };
        }

        var baggage = settings.Baggage ? ReadBaggage(headers) : null;
        var requestId = headers.Get(RequestIds.RequestId) is [{ Length: > 0 } id, ..] && HeaderText.IsSafe(id) ? id : null;
        var passThrough = ReadPassThrough(headers, settings.PassThrough);
        if (nothing is not null && winner == default && baggage is null && requestId is null && passThrough is null) return nothing;

        return new RemoteContext
        {
            Ids = winner,
            Format = !winner.HasIds ? null : w3c.HasIds && winner.SpanId == w3c.SpanId && loser?.Format != "w3c" ? "w3c" : "b3",
            TraceParent = !winner.HasIds ? null
                : traceParent is not null && winner == w3c && TraceParent.IsCanonical(traceParent) ? traceParent
                : TraceParent.Format(winner),
            TraceState = winner.HasIds ? TraceStateList.WithState(list, winner.State, settings.TraceStateLimit) : null,
            Loser = loser,
            Conflict = conflict,
            Baggage = baggage,
            RequestId = requestId,
            PassThrough = passThrough,
            Owner = nothing?.Owner,
        };
    }

    private static TraceIds ReadB3<TReader>(in TReader headers)
        where TReader : struct, IHeaderReader
    {
        TraceIds single = default;
        var hasSingle = headers.Get(B3Headers.Single) is [{ } value, ..] && B3Headers.TryParseSingle(value, out single);
        // A decision alone is an answer too, and the single header's answer is final.
        if (hasSingle && !single.HasIds) return single;

        _ = B3Headers.TryParseMulti(
            headers.Get(B3Headers.TraceId), headers.Get(B3Headers.SpanId), headers.Get(B3Headers.ParentSpanId),
            headers.Get(B3Headers.Sampled), headers.Get(B3Headers.Flags), out var multi);
        if (!hasSingle) return multi;
        return Freshness.IsMultiFresher(single, multi) ? multi : single;
    }

    private static TraceIds SameTrace(in TraceIds w3c, in TraceIds b3, ulong marker, bool b3First, out ContextConflict conflict)
    {
        bool useB3;
        if (w3c.SpanId == b3.SpanId)
        {
            conflict = b3.State != SamplingState.Defer && IsSampled(w3c) != IsSampled(b3) ? ContextConflict.Sampled : ContextConflict.None;
            useB3 = b3First;
        }
        else
        {
            conflict = ContextConflict.SpanId;
            useB3 = Freshness.IsB3Fresher(w3c, b3, marker, b3First);
        }

        // W3C knows the whole trace id and the random flag, whoever names the parent.
        return useB3
            ? w3c with { SpanId = b3.SpanId, State = b3.State == SamplingState.Defer ? w3c.State : b3.State }
            : w3c;
    }

    private static TraceIds DifferentTraces(
        in TraceIds w3c, in TraceIds b3, bool useB3, out ContextConflict conflict, out LosingContext? loser)
    {
        conflict = ContextConflict.TraceId;
        loser = useB3 ? new LosingContext(w3c, "w3c", "conflicting_context") : new LosingContext(b3, "b3", "conflicting_context");
        return useB3 ? b3 : w3c;
    }

    private static bool IsSampled(in TraceIds ids) => ids.State is SamplingState.Accept or SamplingState.Debug;

    private static List<BaggageMember>? ReadBaggage<TReader>(in TReader headers)
        where TReader : struct, IHeaderReader
    {
        var fields = headers.Get(BaggageHeader.HeaderName);
        return fields.Count == 0 ? null : BaggageHeader.Parse(fields, out _);
    }

    private static List<KeyValuePair<string, StringValues>>? ReadPassThrough<TReader>(in TReader headers, IReadOnlyList<string> names)
        where TReader : struct, IHeaderReader
    {
        List<KeyValuePair<string, StringValues>>? found = null;
        for (var i = 0; i < names.Count; i++)
        {
            var values = headers.Get(names[i]);
            if (values.Count == 0 || !AreSafe(values)) continue;
            (found ??= []).Add(new(names[i], values));
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
