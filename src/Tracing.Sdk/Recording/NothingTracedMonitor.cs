using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Recording;

/// <summary>Logs once why nothing is traced. Stops for good then, and as soon as spans arrive.</summary>
/// <remarks>Reads the counters every few seconds, so that it costs a request nothing. The timer's calls do not overlap.</remarks>
/// <param name="getOptions">Returns the options in force, which change with a reload.</param>
/// <param name="metrics">The counters.</param>
/// <param name="logger">Gets the line. Does not throw.</param>
/// <param name="time">The clock.</param>
internal sealed class NothingTracedMonitor(Func<MeshTracingOptions> getOptions, SpanMetrics metrics, ILogger logger, TimeProvider time) : IDisposable
{
    // Enough at once. Of a mesh that samples 1 %, one service in three refuses its first hundred requests.
    private const int ManyRequests = 100;

    // Enough after the first minute.
    private const int EnoughRequests = 20;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // Callers that have not decided for so long leave it to this service.
    private static readonly TimeSpan MaxWaitForCallers = TimeSpan.FromMinutes(10);

    // Any thread.
    private volatile bool _isStopped;
    private ITimer? _timer;

    // The timer's calls only.
    private long _startedAt;
    private long? _firstSpanAt;
    private bool _isDelivered;

    public void Start()
    {
        _startedAt = time.GetTimestamp();
        // The timer would keep the context of a request alive in which tracing is started.
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        _timer = time.CreateTimer(static monitor => ((NothingTracedMonitor)monitor!).Check(), this, Interval, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _isStopped = true;
        _timer?.Dispose();
    }

    private void Check()
    {
        try
        {
            if (_isStopped) return;
            var decisions = metrics.ReadDecisions();
            if (AreCallersHeard(decisions) & AreSpansDelivered(decisions)) Dispose();
            if (!_isStopped) _timer?.Change(Interval, Timeout.InfiniteTimeSpan);
        }
        catch (Exception)
        {
            // An exception on the timer's thread would end the process.
            Dispose();
        }
    }

    // Whether a caller has asked for a recording, or the log says that none does.
    private bool AreCallersHeard(DecisionSummary decisions)
    {
        if (decisions.RecordedReasons.Any(r => r.Reason is DecisionReason.CallerYes or DecisionReason.CallerDebug)) return true;
        var refused = decisions.RefusedReasons.FirstOrDefault(r => r.Reason == DecisionReason.CallerNo);
        if (!Suffices(refused.Count, EnoughRequests)) return _isDelivered && time.GetElapsedTime(_startedAt) >= MaxWaitForCallers;
        Explain($"{refused.Count} requests whose callers decided", refused);
        return true;
    }

    // Whether spans have arrived, or the log says why not.
    private bool AreSpansDelivered(DecisionSummary decisions)
    {
        if (_isDelivered || _isStopped) return true;
        if (AreAllDropped(decisions)) return true;
        if (metrics.Ended + metrics.Live > 0) return _isDelivered = CheckExport();
        // Requests that other tracings serve, those that the platform sends to every service, and the polls of libraries are not this service's traffic.
        var refused = decisions.RefusedReasons
            .Where(r => r.Reason is not (DecisionReason.HealthCheck or DecisionReason.BackgroundPoll or DecisionReason.AnotherHost or DecisionReason.Suppressed)).ToArray();
        // AreCallersHeard explains those. A ratio above 0 records sooner or later.
        if (refused.Length == 0 || refused[0].Reason == DecisionReason.CallerNo || (IsByRatio(refused[0].Reason) && getOptions().Sampling.Ratio > 0)) return false;
        var count = refused.Sum(r => r.Count);
        if (!Suffices(count, IsByRatio(refused[0].Reason) ? 1 : EnoughRequests)) return false;
        Explain($"{count} requests and root spans", refused);
        return true;
    }

    // A cleared flag takes the decision back, so spans that are recorded and left out are those that the hook drops.
    private bool AreAllDropped(DecisionSummary decisions)
    {
        if (getOptions().Export.BeforeExport is null || metrics.Ended > 0 || metrics.LeftOut == 0 || !Suffices(decisions.Recorded, EnoughRequests)) return false;
        Dispose();
        Log.NothingExported(logger, metrics.ToString(isLast: false, isRecording: true), "The function in MeshTracingOptions.Export.BeforeExport has dropped all of them.");
        return true;
    }

    private bool Suffices(long count, int enough) => count >= ManyRequests || (count >= enough && time.GetElapsedTime(_startedAt) >= Patience);

    private void Explain(string what, params (DecisionReason Reason, long Count)[] reasons)
    {
        // One line only.
        Dispose();
        Log.NothingRecorded(logger, what, DecisionSummary.Format(reasons), GetAdvice(reasons[0].Reason));
    }

    private bool CheckExport()
    {
        var exporters = metrics.Exporters;
        // The lines about failed exports and a full buffer name the cause.
        if (exporters.Count == 0 || exporters.Any(e => e.Exported > 0 || e.State.LastFailure is not null || e.State.FullBuffer is not null)) return true;
        if (metrics.Ended == 0) return false;
        _firstSpanAt ??= time.GetTimestamp();
        if (time.GetElapsedTime(_firstSpanAt.Value) < Patience + getOptions().Export.Batch.Interval) return false;
        var advice =
            exporters.Any(e => e.Dropped(DropReason.TooLarge) > 0) ? $"Spans of more than 4 MiB are not sent: lower {NameOf("Limits:MaxAttributeLength")}."
            : exporters.Any(e => e.Dropped(DropReason.Unencodable) > 0) ? "The value of a tag throws when it is formatted: set text or a number."
            : $"Check {NameOf("Export:Batch:Interval")} and {NameOf("Export:Exporters")}.";
        Log.NothingExported(logger, metrics.ToString(isLast: false, isRecording: true), advice);
        return true;
    }

    private string GetAdvice(DecisionReason reason) => reason switch
    {
        DecisionReason.CallerNo =>
            $"{GetHeader()}: the proxy or the service in front does not sample. Raise its share (random_sampling of Envoy, randomSamplingPercentage in a Telemetry resource of Istio), " +
            $"set {NameOf("Sampling:DeferUnsampledParent")} if it has decided nothing, or {NameOf("Trust:Default")} to TrustIdsOnly, so that this service decides.",
        DecisionReason.Rule or DecisionReason.Rate => $"Change {NameOf("Sampling:Rules")}.",
        DecisionReason.Ignored => $"{NameOf("Ignore:Paths")} and DisableTracing() leave requests out.",
        DecisionReason.IgnoredByCode => $"A function in {nameof(MeshTracingOptions)}.{nameof(MeshTracingOptions.Ignore)} leaves them out.",
        DecisionReason.Cleared => "Code of the application or another library removes Recorded from Activity.ActivityTraceFlags.",
        DecisionReason.IgnoredSource => $"{NameOf("Ignore:RootSources")} names their sources.",
        _ => $"{NameOf("Sampling:Ratio")} makes the ratio 0: raise it.",
    };

    // What the last refused caller sent.
    private string GetHeader() => metrics.Refusals.LastFormat switch
    {
        "w3c" => "Their traceparent ends in -00",
        "b3" => "Their B3 headers say 0 (x-b3-sampled, or the state in b3)",
        _ => "Their trace headers say so (a traceparent that ends in -00, or x-b3-sampled: 0)",
    };

    private string NameOf(string setting) => getOptions().Origins.NameInForce(setting);

    private static bool IsByRatio(DecisionReason reason) =>
        reason is DecisionReason.Ratio or DecisionReason.CallerUndecided or DecisionReason.Restarted or DecisionReason.Limited or DecisionReason.EndedParent;
}
