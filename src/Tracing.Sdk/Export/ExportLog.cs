using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Export;

/// <summary>One line when exporting begins to fail, silence while it does, one line when it works again.</summary>
/// <remarks>Export thread only.</remarks>
internal sealed partial class ExportLog(ILogger logger, Uri endpoint)
{
    private bool _isFailing;
    private long _lostBefore;

    public void Failed(string cause, long lostSoFar)
    {
        if (_isFailing) return;
        _isFailing = true;
        _lostBefore = lostSoFar;
        ExportFailed(logger, cause);
    }

    public void Worked(long lostSoFar)
    {
        if (!_isFailing) return;
        _isFailing = false;
        ExportRecovered(logger, endpoint, lostSoFar - _lostBefore);
    }

    [LoggerMessage(20, LogLevel.Warning, "Spans cannot be exported. {Cause}", SkipEnabledCheck = true)]
    private static partial void ExportFailed(ILogger logger, string cause);

    [LoggerMessage(21, LogLevel.Information, "Export to {Endpoint} recovered, {Lost} spans lost meanwhile.", SkipEnabledCheck = true)]
    private static partial void ExportRecovered(ILogger logger, Uri endpoint, long lost);
}
