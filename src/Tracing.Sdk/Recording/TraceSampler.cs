using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Decides whether a trace is recorded: by the caller's decision, or by a ratio where there is none.</summary>
/// <param name="ratio">Share of traces to record, 0 to 1.</param>
/// <param name="followParent">Whether the caller's decision holds. Otherwise the ratio decides for every trace that is not a debug trace.</param>
internal sealed class TraceSampler(double ratio, bool followParent)
{
    // A trace is recorded when the right-most 56 bits of its id reach the threshold: services with the same ratio decide alike.
    // https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
    private const ulong Range = 1UL << 56;
    private readonly ulong _threshold = ratio >= 1 ? 0 : ratio <= 0 ? Range : (ulong)Math.Round((1 - ratio) * Range);

    public bool FollowsParent => followParent;

    /// <summary>Decides for a span that is about to start.</summary>
    /// <param name="state">The caller's decision.</param>
    /// <param name="options">The span's. Its trace id is created when it is first read, so it is read only where the ratio needs it.</param>
    public bool Decide(SamplingState state, ref ActivityCreationOptions<ActivityContext> options) => state switch
    {
        SamplingState.Debug => true,
        SamplingState.Accept when followParent => true,
        SamplingState.Deny when followParent => false,
        _ => _threshold is 0 or Range ? _threshold == 0 : DecideAlone(options.TraceId),
    };

    /// <summary>Decides by the ratio alone.</summary>
    public bool DecideAlone(ActivityTraceId traceId)
    {
        if (_threshold is 0 or Range) return _threshold == 0;
        var id = traceId.ToHexString().AsSpan(18);
        return ulong.Parse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) >= _threshold;
    }
}
