namespace Tracing.Sdk.Recording;

/// <summary>The decisions about requests and root spans, in words.</summary>
/// <param name="Recorded">How many are recorded.</param>
/// <param name="Refused">How many are not.</param>
/// <param name="RecordedReasons">Why they are, the most frequent reason first.</param>
/// <param name="RefusedReasons">Why they are not, the most frequent reason first.</param>
internal sealed record DecisionSummary(
    long Recorded, long Refused, IReadOnlyList<(DecisionReason Reason, long Count)> RecordedReasons, IReadOnlyList<(DecisionReason Reason, long Count)> RefusedReasons)
{
    public static DecisionSummary Read(SpanMetrics metrics)
    {
        var (recorded, refused) = (Read(metrics, isRecorded: true), Read(metrics, isRecorded: false));
        return new DecisionSummary(recorded.Sum(r => r.Count), refused.Sum(r => r.Count), recorded, refused);
    }

    /// <summary>"the caller said no: 1190, a health check: 2".</summary>
    public static string Format(IEnumerable<(DecisionReason Reason, long Count)> reasons) => string.Join(", ", reasons.Select(r => $"{r.Reason.Words()}: {r.Count}"));

    /// <summary>"1204 requests and root spans: 12 recorded, 1192 not (the caller said no: 1192)".</summary>
    public override string ToString() =>
        $"{Recorded + Refused} requests and root spans: {Recorded} recorded, {Refused} not{(Refused > 0 ? $" ({Format(RefusedReasons)})" : "")}";

    private static (DecisionReason Reason, long Count)[] Read(SpanMetrics metrics, bool isRecorded) =>
    [
        .. Enumerable.Range(0, DecisionReasons.Count).Select(i => (Reason: (DecisionReason)i, Count: metrics.Decisions((DecisionReason)i, isRecorded)))
            .Where(r => r.Count > 0).OrderByDescending(r => r.Count),
    ];
}
