using System.Net;

namespace Tracing.Sdk.Propagation;

/// <summary>What becomes of a context that has been read: whom to believe, and how far.</summary>
/// <param name="trust">Whom to trust.</param>
/// <param name="deferUnsampled">Whether "not sampled" is taken for "undecided": the proxy in front passes ids on but does not decide.</param>
/// <param name="forced">How many traces callers may force; null for no bound.</param>
internal sealed class InboundPolicy(TrustPolicy trust, bool deferUnsampled, ForcedTraceLimit? forced)
{
    public static InboundPolicy Trusting { get; } = new(new TrustPolicy(TraceTrust.Trust, [], "x-envoy"), deferUnsampled: false, forced: null);

    /// <summary>Whether trust can be judged only once the peer's address is known.</summary>
    public bool NeedsAddress => trust.NeedsAddress;

    public TraceTrust Judge<TReader>(in TReader headers, IPAddress? peer)
        where TReader : struct, IHeaderReader => trust.Decide(headers, peer);

    public RemoteContext Apply<TReader>(RemoteContext remote, in TReader headers)
        where TReader : struct, IHeaderReader
    {
        if (!trust.IsTrivial && !trust.NeedsAddress) remote = remote.As(trust.Decide(headers, peer: null));
        if (deferUnsampled && remote.Ids is { HasIds: true, State: SamplingState.Deny }) remote = remote.WithState(SamplingState.Defer);
        if (forced is not null && remote.Ids.State is SamplingState.Accept or SamplingState.Debug && !forced.TryTake()) remote = remote.WithState(SamplingState.Defer);
        return remote;
    }
}
