using System.Net;
using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation;

/// <summary>Decides how far the sender of a context is trusted, and which of its decisions hold.</summary>
/// <param name="trust">The rules of trust.</param>
/// <param name="deferUnsampled">Whether "not sampled" counts as undecided, because a proxy in front passes ids on without deciding.</param>
/// <param name="forced">How many traces callers may force; null for no limit.</param>
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

    /// <summary>Applies the policy to a context before any span continues it.</summary>
    /// <param name="remote">The context that was read.</param>
    /// <param name="reader">The headers it was read from.</param>
    /// <param name="headers">All headers of the request.</param>
    public RemoteContext Apply<TReader>(RemoteContext remote, in TReader reader, IDictionary<string, StringValues> headers)
        where TReader : struct, IHeaderReader
    {
        if (!trust.IsTrivial && !trust.NeedsAddress) remote = remote.WithTrust(trust.Decide(reader, peer: null), headers);
        if (deferUnsampled && remote.Ids is { HasIds: true, State: SamplingState.Deny }) remote = remote.WithState(SamplingState.Defer);
        if (forced is not null && remote.Ids.IsSampled && !forced.TryTake()) remote = remote.WithTrust(TraceTrust.TrustIdsOnly, headers);
        return remote;
    }
}
