using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Whether a trace that starts here, or came in undecided, is recorded; and how much a caller's decision counts.</summary>
/// <param name="ratio">Share of traces to record, 0 to 1.</param>
/// <param name="followParent">Whether a caller's decision holds. If not, the ratio decides for everybody.</param>
internal sealed class TraceSampler(double ratio, bool followParent)
{
    // Keep iff the right-most 56 bits of the trace id reach the threshold: the same answer in every service that has the same ratio.
    // https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
    private const ulong Range = 1UL << 56;
    private readonly ulong _threshold = ratio >= 1 ? 0 : ratio <= 0 ? Range : (ulong)Math.Round((1 - ratio) * Range);

    /// <summary>Whether a caller's decision holds.</summary>
    public bool FollowsParent => followParent;

    public bool Decide(SamplingState state, ref ActivityCreationOptions<ActivityContext> options) => state switch
    {
        SamplingState.Debug => true,
        SamplingState.Accept when followParent => true,
        SamplingState.Deny when followParent => false,
        // The id is made when it is first asked for, so it is asked for only when it counts.
        _ => _threshold is 0 or Range ? _threshold == 0 : DecideAlone(options.TraceId),
    };

    /// <summary>What this service decides when nobody has decided before.</summary>
    public bool DecideAlone(ActivityTraceId traceId)
    {
        if (_threshold is 0 or Range) return _threshold == 0;
        var id = traceId.ToHexString().AsSpan(18);
        return ulong.Parse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) >= _threshold;
    }
}
