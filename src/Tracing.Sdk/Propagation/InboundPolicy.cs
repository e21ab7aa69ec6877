using System.Net;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>What becomes of a context that has been read: how far its sender is trusted.</summary>
/// <param name="trust">Whom to trust.</param>
/// <param name="deferUnsampled">Whether "not sampled" is taken for "undecided": the proxy in front passes ids on but does not decide.</param>
/// <param name="forced">How many traces callers may force; null for no bound.</param>
internal sealed class InboundPolicy(TrustPolicy trust, bool deferUnsampled, ForcedTraceLimit? forced)
{
    public static InboundPolicy Trusting { get; } = new(new TrustPolicy(TraceTrust.Trust, [], "x-envoy"), deferUnsampled: false, forced: null);

    /// <summary>Whether trust can be judged only once the peer's address is known.</summary>
    public bool NeedsAddress => trust.NeedsAddress;

    /// <summary>How far the caller is trusted.</summary>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="peer">The peer's address; null where it is not known.</param>
    public TraceTrust Judge<TReader>(in TReader headers, IPAddress? peer)
        where TReader : struct, IHeaderReader => trust.Decide(headers, peer);

    /// <summary>What becomes of a context before anything has been made of it.</summary>
    /// <param name="remote">The context that was read.</param>
    /// <param name="reader">The headers it was read from.</param>
    /// <param name="headers">All headers of the request.</param>
    public RemoteContext Apply<TReader>(RemoteContext remote, in TReader reader, IDictionary<string, StringValues> headers)
        where TReader : struct, IHeaderReader
    {
        if (!trust.IsTrivial && !trust.NeedsAddress) remote = remote.As(trust.Decide(reader, peer: null), headers);
        if (deferUnsampled && remote.Ids is { HasIds: true, State: SamplingState.Deny }) remote = remote.WithState(SamplingState.Defer);
        if (forced is not null && remote.Ids.State is SamplingState.Accept or SamplingState.Debug && !forced.TryTake()) remote = remote.As(TraceTrust.TrustIdsOnly, headers);
        return remote;
    }
}
