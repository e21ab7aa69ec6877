using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>How one tracing reads the contexts of requests and trusts them, and which calls carry a context or baggage.</summary>
internal sealed class ContextPropagation
{
    public required PropagationSettings Settings { get; init; }

    /// <summary>The settings for requests that are ignored, and for all of them in forward mode.</summary>
    public required PropagationSettings Forward { get; init; }
    public required PropagationTargets Targets { get; init; }
    public required PropagationTargets BaggageTargets { get; init; }

    /// <summary>The rules of trust; null when every caller is trusted. Those about the peer's address are judged later, when it is known.</summary>
    public TrustPolicy? Trust { get; init; }

    /// <summary>Whether "not sampled" counts as undecided, because a proxy in front passes ids on without deciding. A reload can change it.</summary>
    public bool DeferUnsampled { get; set; }

    /// <summary>How many traces callers may force; null for no limit.</summary>
    public RateLimit? Forced { get; init; }

    /// <summary>Reads the context of a request, and decides which of the caller's decisions hold. <paramref name="empty"/> as in <see cref="ContextExtractor"/>.</summary>
    public RemoteContext Extract(IDictionary<string, StringValues> headers, RemoteContext empty)
    {
        var reader = new HeaderSnapshot(headers);
        var remote = ContextExtractor.Extract(reader, Settings, empty);
        if (Trust is { IsTrivial: false, NeedsAddress: false }) remote = remote.WithTrust(Trust.Decide(reader, peer: null), headers);
        if (DeferUnsampled && remote.Ids is { HasIds: true, State: SamplingState.Deny }) remote = remote.WithState(SamplingState.Defer);
        if (Forced is not null && remote.Ids.IsSampled && !Forced.TryTake()) remote = remote.WithTrust(TraceTrust.TrustIdsOnly, headers);
        return remote;
    }

    /// <summary>The context of a request that is ignored: what forward mode would send, as far as the caller is trusted.</summary>
    /// <param name="received">The context so far.</param>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="request">The request.</param>
    public RemoteContext Ignore(RemoteContext received, IDictionary<string, StringValues> headers, IgnoredRequest request)
    {
        var reader = new DictionaryReader(headers);
        return received.ToIgnored(ContextExtractor.ReadPassThrough(ref reader, Forward.PassThrough), headers, request);
    }
}

/// <summary>The headers of a request, each looked up when it is read: where few are read, or without the rest.</summary>
internal readonly struct DictionaryReader(IDictionary<string, StringValues> headers) : IHeaderReader
{
    public StringValues Get(string name) => headers.TryGetValue(name, out var values) ? values : default;
}
