using System.Globalization;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>Logs the state of an exporter when it changes, and keeps it for a health check. Export thread only.</summary>
/// <remarks>One line for each reason why exports fail, and one line when they work again; one line when the buffer is full, and one when it has room again.</remarks>
internal sealed class ExportLog(ILogger logger, ExporterSettings settings, ExporterState state, TimeProvider time)
{
    // A collector that answers differently each time must not fill the log.
    private const int MaxReasons = 8;

    private readonly HashSet<(SendOutcome Outcome, int Status, string? RpcStatus, HttpRequestError? Error)> _reasons = [];
    private long _failingSince;
    private long _droppedBefore;

    private bool IsFailing => _reasons.Count > 0;

    public void ExportFailed(in SendResult result, long totalDropped)
    {
        var failure = new ExporterState.Problem(result.Message!, time.GetUtcNow());
        state.LastFailure = failure;
        state.Failure = IsFailing ? failure with { At = state.Failure!.At } : failure;
        if (!IsFailing)
        {
            _failingSince = time.GetTimestamp();
            _droppedBefore = totalDropped;
        }

        if (_reasons.Count < MaxReasons && _reasons.Add((result.Outcome, result.Status, result.RpcStatus, result.Error))) Log.ExportFailed(logger, failure.Cause);
    }

    public void ExportWorks(long totalDropped)
    {
        state.LastSuccess = time.GetUtcNow().UtcTicks;
        if (!IsFailing) return;
        state.Failure = null;
        _reasons.Clear();
        Log.ExportRecovered(logger, settings.EndpointName, Seconds(time.GetElapsedTime(_failingSince)), Lost(totalDropped - _droppedBefore));
    }

    public void BufferFull()
    {
        var reason = IsFailing ? $"{settings.EndpointName} takes none" : $"{settings.EndpointName} takes them more slowly than they end";
        var size = settings.SettingName(settings.MaxQueuedSpans is null ? "Export:Batch:MaxQueueBytes" : "Export:Batch:MaxQueueSize");
        state.FullBuffer = new ExporterState.Problem(reason, time.GetUtcNow());
        Log.BufferFull(logger, reason, size, settings.SettingName("Sampling:Ratio"));
    }

    public void BufferHasRoom(long dropped, TimeSpan duration)
    {
        state.FullBuffer = null;
        Log.BufferHasRoom(logger, Seconds(duration), Lost(dropped));
    }

    public void CertificateRefused(string problem) => Log.CertificateNotReadable(logger, problem, settings.EndpointName);
    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");
    private static string Lost(long count) => count == 0 ? "no span was lost" : $"{LogText.Count(count, "span")} {(count == 1 ? "was" : "were")} lost";
}
