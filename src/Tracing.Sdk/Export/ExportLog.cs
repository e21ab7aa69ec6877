using System.Globalization;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Export;

/// <summary>One line when exporting begins to fail, silence while it does, one line when it works again; the same for a full buffer.</summary>
/// <remarks>Export thread only.</remarks>
internal sealed class ExportLog(ILogger logger, ExporterSettings settings, TimeProvider time)
{
    private readonly string _endpoint = settings.Kind == ExporterKind.Console ? "standard output" : ShownText.Url(settings.Endpoint);

    private long _failingSince;
    private long _lostBefore;

    /// <summary>Whether the last export has failed.</summary>
    public bool IsFailing { get; private set; }

    public void Failed(string cause, long lostSoFar)
    {
        if (IsFailing) return;
        IsFailing = true;
        _failingSince = time.GetTimestamp();
        _lostBefore = lostSoFar;
        Log.ExportFailed(logger, cause);
    }

    public void Worked(long lostSoFar)
    {
        if (!IsFailing) return;
        IsFailing = false;
        Log.ExportRecovered(logger, _endpoint, Seconds(time.GetElapsedTime(_failingSince)), Lost(lostSoFar - _lostBefore));
    }

    /// <summary>The buffer has begun to refuse spans.</summary>
    public void DroppingBegan()
    {
        var reason = IsFailing ? $"{_endpoint} takes none" : $"{_endpoint} takes them more slowly than they end";
        var room = settings.SettingName(settings.MaxQueuedSpans is null ? "Export:Batch:MaxQueueBytes" : "Export:Batch:MaxQueueSize");
        Log.BufferFull(logger, reason, room, settings.SettingName("Sampling:Ratio"));
    }

    /// <summary>The buffer takes all spans again.</summary>
    public void DroppingEnded(long lost, TimeSpan duration) => Log.BufferHasRoom(logger, Seconds(duration), Lost(lost));

    public void CertificateKept(string problem) => Log.CertificateNotReadable(logger, problem, _endpoint);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#} s");

    private static string Lost(long count) => count switch
    {
        0 => "no span was lost",
        1 => "1 span was lost",
        _ => string.Create(CultureInfo.InvariantCulture, $"{count} spans were lost"),
    };
}
