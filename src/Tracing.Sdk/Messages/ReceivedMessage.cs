using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Messages;

/// <summary>What came in with one message.</summary>
/// <param name="Context">The context that is current during the handling; null without a tracing.</param>
/// <param name="Parent">The parent of the span; default for a root.</param>
/// <param name="Links">The links of the span; null for none.</param>
/// <param name="Baggage">The baggage; null for none.</param>
/// <param name="StandIn">The flags of an activity that carries the context when no span is made of the message, and is exported nowhere; null for no such activity. The
/// platform asks for the headers of a call only inside an activity, and log lines name its trace.</param>
internal readonly record struct ReceivedMessage(
    RemoteContext? Context, ActivityContext Parent, IReadOnlyList<ActivityLink>? Links, IReadOnlyList<BaggageMember>? Baggage, ActivityTraceFlags? StandIn)
{
    private static readonly PropagationSettings WithoutTracing = PropagationSettings.ContextOnly with { Baggage = true };

    /// <summary>The formats to read. Where headers are only forwarded, the settings of the tracing read none, but code that extracts expects the context.</summary>
    public static PropagationSettings FormatsOf(TracingInstance? tracing) => tracing switch
    {
        null => WithoutTracing,
        { Recorder: null } => PropagationSettings.ContextOnly,
        _ => tracing.Propagation.Settings,
    };

    /// <summary>Reads the headers of a message. Trust is about requests: a message is trusted, because a queue names no sender to judge.</summary>
    /// <param name="tracing">The tracing of the running code; null when none has started.</param>
    /// <param name="carrier">The headers.</param>
    /// <param name="relation">How the span relates to the sender's.</param>
    public static ReceivedMessage Read<TReader>(TracingInstance? tracing, TReader carrier, MessageRelation relation) where TReader : struct, IHeaderReader
    {
        var headers = new BoundedReader<TReader>(carrier);
        var remote = ContextExtractor.Extract(headers, FormatsOf(tracing), tracing?.EmptyContext);
        var parent = remote.Ids.HasIds ? remote.Ids.ToActivityContext(remote.TraceState) : default;
        if (tracing is { Recorder: null })
        {
            var forwarded = ContextExtractor.Extract(headers, tracing.Propagation.Forward, tracing.EmptyContext);
            return new ReceivedMessage(forwarded, parent, Links: null, Baggage: null, parent.TraceFlags);
        }

        if (remote.Conflict != ContextConflict.None) tracing?.Metrics.Conflict((int)remote.Conflict);
        var links = LinksOf(remote, relation);
        if (relation == MessageRelation.Link) return new ReceivedMessage(tracing is null ? null : remote.ToLinked(), Parent: default, links, remote.Baggage, StandIn: null);
        // Where nothing has come in, there is nothing to carry, and calls begin traces of their own.
        var isNeeded = remote.Ids is { HasIds: true } or { State: SamplingState.Deny };
        // With the sampled flag, the spans below it would be recorded without a decision.
        var flags = tracing is null ? parent.TraceFlags : ActivityTraceFlags.None;
        return new ReceivedMessage(tracing is null ? null : remote, parent, links, remote.Baggage, isNeeded ? flags : null);
    }

    private static List<ActivityLink>? LinksOf(RemoteContext remote, MessageRelation relation)
    {
        List<ActivityLink>? links = null;
        if (relation == MessageRelation.Link && remote.Ids.HasIds) (links ??= []).Add(new LinkedContext(remote.Ids, remote.Format!, "message").ToLink());
        if (remote.Link is { } other) (links ??= []).Add(other.ToLink());
        return links;
    }
}
