using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>What came in with one request: the trace context that is continued, with its state, one that is only linked, and the headers that are forwarded. It flows
/// with the execution context, so that every outbound call of the request finds it.</summary>
internal sealed record RemoteContext
{
    private static readonly AsyncLocal<RemoteContext?> Local = new();

    /// <summary>The request that the running code belongs to; null outside of any.</summary>
    public static RemoteContext? Current
    {
        get
        {
            if (Local.Value is not { } context) return null;
            context = context._successor ?? context;
            return context.Ignored is { IsOver: true } request ? request.Outside : context;
        }
        set => Local.Value = value;
    }

    // Set when the caller turns out to be trusted less: code outside of the endpoint, such as an error handler, still holds this instance.
    private RemoteContext? _successor;

    /// <summary>Replaces the current context for all code that the request runs from now on.</summary>
    /// <param name="successor">The new context of the same request.</param>
    /// <param name="shared">The instance that several requests share, which must not change.</param>
    public static void ReplaceCurrent(RemoteContext successor, RemoteContext shared)
    {
        if (Local.Value is { } context && context != shared) context._successor = successor;
        else Local.Value = successor;
    }

    /// <summary>Code that a request has started and that outlives it belongs to the request no longer, nor does the baggage that came in with it. Baggage that user code has set stays.</summary>
    /// <param name="outside">The context of the code from now on.</param>
    public static void LeaveCurrent(RemoteContext outside)
    {
        if (Current is not { } left) return;
        Local.Value = outside;
        if (left.Baggage is { Count: > 0 } received) ReceivedBaggage.Leave(received);
    }

    /// <summary>The context that is continued. Without ids it holds at most a decision for the trace that starts here.</summary>
    public TraceIds Ids { get; init; }

    /// <summary>The format that named the parent: <c>w3c</c> or <c>b3</c>; null when no ids came in.</summary>
    public string? Format { get; init; }

    /// <summary>The context as a canonical traceparent, made when it is first read; null when no ids came in.</summary>
    public string? TraceParent
    {
        get => field ??= Ids.HasIds ? W3C.TraceParent.Format(Ids) : null;
        init;
    }

    /// <summary>The normalised tracestate of the context, without a state; null when there is none.</summary>
    public string? TraceState { get; init; }

    /// <summary>A valid context that is not continued, to which the server span links; null when there is none.</summary>
    public LinkedContext? Link { get; init; }

    /// <summary>The span that an older format of the same request named, one hop back; 0 when there is none.</summary>
    public ulong StaleSpanId { get; init; }

    /// <summary>How the formats differed.</summary>
    public ContextConflict Conflict { get; init; }

    /// <summary>Baggage as it came in, properties included; null when there is none.</summary>
    public IReadOnlyList<BaggageMember>? Baggage { get; init; }

    /// <summary>The x-request-id that came in; null when none did.</summary>
    public string? RequestId { get; init; }

    /// <summary>Other headers that are forwarded unchanged; null when there are none.</summary>
    public IReadOnlyList<KeyValuePair<string, StringValues>>? PassThrough { get; init; }

    /// <summary>Whether the caller had decided to record, even if that decision does not hold here: the span that it named is then exported.</summary>
    public bool IsSampledByCaller { get; init; }

    /// <summary>The tracing of the host that received the request: two hosts in one process must not record each other's spans.</summary>
    public object? Owner { get; init; }

    /// <summary>How far the caller is trusted, as far as it has been judged.</summary>
    public TraceTrust Trust { get; init; }

    /// <summary>What the caller sent and this context leaves out; null when nothing is refused.</summary>
    public RefusedContext? Refused { get; init; }

    /// <summary>The request, if it is ignored: its code makes no spans, and its calls carry <see cref="PassThrough"/> and nothing else. Null for any other request.</summary>
    public IgnoredRequest? Ignored { get; init; }

    /// <summary>The tracestate for an <see cref="ActivityContext"/> or an <see cref="Activity"/> that continues this context.</summary>
    public string? ActivityTraceState => Ids.ToActivityTraceState(TraceState);

    /// <summary>Whether this context names the span as the parent of what it is continued by.</summary>
    public bool IsParent(ActivitySpanId spanId) => TraceParent is { } text && W3C.TraceParent.SpanIdOf(text).SequenceEqual(spanId.ToHexString());

    /// <summary>Whether both are the same instance: a context is compared by identity.</summary>
    public bool Equals(RemoteContext? other) => ReferenceEquals(this, other);
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    /// <summary>The same request for a caller that is trusted less: no decision of it holds.</summary>
    /// <param name="trust">How far to trust. More than before changes nothing.</param>
    /// <param name="headers">The headers of the request.</param>
    public RemoteContext WithTrust(TraceTrust trust, IDictionary<string, StringValues> headers)
    {
        if (trust <= Trust) return this;
        var received = Refused?.Received ?? this;
        var refused = RefusedContext.Collect(received, headers, trust);
        // No header is refused, and this may be the instance that such requests share.
        if (refused is null) return this;
        var passThrough = ApplicationHeaders(PassThrough);
        if (trust == TraceTrust.TrustIdsOnly)
        {
            var requestId = RequestIds.IsUuid(RequestId) ? RequestId : null;
            return WithState(SamplingState.Defer) with { Trust = trust, Refused = refused, RequestId = requestId, PassThrough = passThrough };
        }

        // Without ids the next span is a root. The caller's ids stay reachable by a link.
        var link = Ids.HasIds ? new LinkedContext(received.Ids, Format ?? "w3c", "restarted") : null;
        return new RemoteContext { Link = link, Conflict = Conflict, PassThrough = passThrough, Owner = Owner, Trust = trust, Refused = refused };
    }

    /// <summary>The same context with another decision.</summary>
    public RemoteContext WithState(SamplingState state) => this with { Ids = Ids with { State = state }, TraceParent = null, _successor = null };

    /// <summary>The same request when it is ignored.</summary>
    /// <param name="forwarded">The headers that forward mode would send; those that the caller is not trusted with are left out.</param>
    /// <param name="headers">All headers of the request.</param>
    /// <param name="request">The request.</param>
    public RemoteContext ToIgnored(IReadOnlyList<KeyValuePair<string, StringValues>>? forwarded, IDictionary<string, StringValues> headers, IgnoredRequest request)
    {
        if (Refused is null) return new RemoteContext { PassThrough = forwarded, Owner = Owner, Trust = Trust, Ignored = request };
        // Baggage is not read any more: a copy of it is recognised as a whole.
        var isBaggageRefused = Refused.Baggage is not null && headers.TryGetValue(BaggageHeader.HeaderName, out _);
        return new RemoteContext
        {
            PassThrough = ApplicationHeaders(forwarded, withBaggage: Trust == TraceTrust.TrustIdsOnly),
            Refused = isBaggageRefused ? Refused with { Headers = [.. Refused.Headers, new(BaggageHeader.HeaderName, headers[BaggageHeader.HeaderName])] } : Refused,
            Owner = Owner,
            Trust = Trust,
            Ignored = request,
        };
    }

    /// <summary>The context of code that begins a trace of its own and links to this one: what the application has sent with it stays, ids and decisions do not.</summary>
    public RemoteContext ToLinked() => new() { Baggage = Baggage, PassThrough = ApplicationHeaders(PassThrough), Owner = Owner };

    private static List<KeyValuePair<string, StringValues>>? ApplicationHeaders(IReadOnlyList<KeyValuePair<string, StringValues>>? headers, bool withBaggage = false)
    {
        List<KeyValuePair<string, StringValues>>? kept = null;
        for (var i = 0; i < headers?.Count; i++)
        {
            var (name, values) = headers[i];
            if (!ContextHeaders.IsAboutTracing(name) || (withBaggage && name == BaggageHeader.HeaderName)) (kept ??= []).Add(new(name, values));
        }

        return kept;
    }
}

/// <summary>A context that came in and is not continued. The server span links to it.</summary>
/// <param name="Ids">Its ids.</param>
/// <param name="Format"><c>w3c</c> or <c>b3</c>.</param>
/// <param name="Reason">Why it is not continued: <c>conflicting_context</c> or <c>restarted</c>.</param>
internal sealed record LinkedContext(TraceIds Ids, string Format, string Reason)
{
    public ActivityLink ToLink() => new(
        new ActivityContext(
            Ids.ToActivityTraceId(), Ids.ToActivitySpanId(), Ids.IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None, traceState: null, isRemote: true),
        new ActivityTagsCollection { ["reason"] = Reason, ["format"] = Format });
}

/// <summary>How two formats of one request differed.</summary>
[Flags]
internal enum ContextConflict : byte
{
    None = 0,

    /// <summary>Different traces.</summary>
    TraceId = 1,

    /// <summary>One trace, different spans: one of the two was stale.</summary>
    SpanId = 2,

    /// <summary>One trace, different decisions.</summary>
    Sampled = 4,
}
