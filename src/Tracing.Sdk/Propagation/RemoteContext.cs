using System.Diagnostics;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// What came in with one request: the winning trace context, the losing one, and the headers that are only passed on.
/// It flows with the execution context, so that every outbound call of the request finds it.
/// </summary>
internal sealed class RemoteContext
{
    private static readonly AsyncLocal<RemoteContext?> Local = new();

    /// <summary>The request that this code runs for; null outside of any.</summary>
    public static RemoteContext? Current
    {
        get => Local.Value;
        set => Local.Value = value;
    }

    /// <summary>The winner. Without ids it holds at most a decision for the trace that starts here.</summary>
    public TraceIds Ids { get; init; }

    /// <summary>The format that named the winner's span: <c>w3c</c> or <c>b3</c>; null when no ids came in.</summary>
    public string? Format { get; init; }

    /// <summary>The winner's traceparent in our own spelling, made when it is first asked for; null when no ids came in.</summary>
    public string? TraceParent
    {
        get => field ??= Ids.HasIds ? Propagation.TraceParent.Format(Ids) : null;
        init;
    }

    /// <summary>Normalised tracestate of the winner, with our mark for debug and undecided traces; null when there is none.</summary>
    public string? TraceState { get; init; }

    /// <summary>A valid context of another trace, which lost; null when there is none.</summary>
    public LosingContext? Loser { get; init; }

    /// <summary>The span that an older format of the same request named, one hop back; 0 when there is none.</summary>
    public ulong StaleSpanId { get; init; }

    /// <summary>How the formats disagreed, if they did.</summary>
    public ContextConflict Conflict { get; init; }

    /// <summary>Baggage as it came in, properties included; null when there is none.</summary>
    public IReadOnlyList<BaggageMember>? Baggage { get; init; }

    /// <summary>The x-request-id that came in; null when none did.</summary>
    public string? RequestId { get; init; }

    /// <summary>Other headers that go on unchanged; null when there are none.</summary>
    public IReadOnlyList<KeyValuePair<string, StringValues>>? PassThrough { get; init; }

    /// <summary>Whether the caller had decided to record, whatever became of that decision here: then the span that it named is exported.</summary>
    public bool IsSampledByCaller { get; init; }

    /// <summary>The tracing of the host that received the request: two hosts in one process must not record each other's spans.</summary>
    public object? Owner { get; init; }

    /// <summary>The same request as a less trusting reader sees it.</summary>
    public RemoteContext As(TraceTrust trust) => trust switch
    {
        // No ids: the next root is ours. The caller's ids stay reachable by a link, its baggage does not.
        TraceTrust.Restart => new RemoteContext
        {
            Loser = Ids.HasIds ? new LosingContext(Ids, Format ?? "w3c", "restarted") : null,
            StaleSpanId = StaleSpanId,
            RequestId = RequestId,
            PassThrough = PassThrough,
            Owner = Owner,
        },
        TraceTrust.TrustIdsOnly => WithState(SamplingState.Defer),
        _ => this,
    };

    /// <summary>The same context with another decision.</summary>
    public RemoteContext WithState(SamplingState state)
    {
        var ids = Ids with { State = state };
        return new RemoteContext
        {
            Ids = ids,
            Format = Format,
            TraceState = ids.HasIds ? TraceStateList.WithState(TraceState, state) : null,
            Loser = Loser,
            StaleSpanId = StaleSpanId,
            Conflict = Conflict,
            Baggage = Baggage,
            RequestId = RequestId,
            PassThrough = PassThrough,
            IsSampledByCaller = IsSampledByCaller,
            Owner = Owner,
        };
    }
}

/// <summary>The context that lost against another trace. The server span links to it.</summary>
/// <param name="Ids">Its ids.</param>
/// <param name="Format"><c>w3c</c> or <c>b3</c>.</param>
/// <param name="Reason">Why it lost: <c>conflicting_context</c> or <c>restarted</c>.</param>
internal sealed record LosingContext(TraceIds Ids, string Format, string Reason)
{
    public ActivityLink ToLink() => new(
        new ActivityContext(
            Ids.ToActivityTraceId(),
            Ids.ToActivitySpanId(),
            Ids.IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None,
            traceState: null,
            isRemote: true),
        new ActivityTagsCollection { ["reason"] = Reason, ["format"] = Format });
}

/// <summary>How two formats of one request disagreed.</summary>
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
