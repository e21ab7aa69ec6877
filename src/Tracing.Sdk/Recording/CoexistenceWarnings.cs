using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Recording;

/// <summary>Warns of code in the same process that duplicates spans, makes ids that cannot be exported, or sends headers past this library, once for each kind or source.</summary>
/// <remarks>Any thread. The logger does not throw: <see cref="SafeLogger"/>.</remarks>
internal sealed class CoexistenceWarnings(ILogger logger)
{
    // Reported already. A source exists from its first use.
    private readonly HashSet<string> _heardSources = new(StringComparer.Ordinal);

    private int _openTelemetry;
    private int _secondTracing;
    private int _idFormat;
    private int _earlyClient;

    /// <summary>Looks for a TracerProvider that also traces requests and calls. Cheap enough for the start of a span.</summary>
    public void CheckRecording()
    {
        if (_openTelemetry == 0 && OpenTelemetrySdk.IsLoaded && OtherListeners.HearTraffic && IsFirst(ref _openTelemetry)) ReportTracing();
    }

    /// <summary>Looks for a TracerProvider that makes spans while this library only forwards headers, and reports the sources that it has not reported before.</summary>
    /// <param name="requestSource">The source that this library listens to; null when there is none.</param>
    public void CheckForwarding(ActivitySource? requestSource)
    {
        if (!OpenTelemetrySdk.IsLoaded || SpanOwnership.IsAnyLive) return;
        var heard = OtherListeners.FindHeardSources(requestSource);
        lock (_heardSources) heard = [.. heard.Where(_heardSources.Add)];
        if (heard.Count > 0) Log.OpenTelemetryRecordsForwarded(logger, string.Join(", ", heard));
    }

    /// <summary>Reports a span outside of any request while two tracings are live.</summary>
    public void RecordedTwice()
    {
        if (IsFirst(ref _secondTracing)) Log.RecordedTwice(logger);
    }

    /// <summary>Reports an activity whose ids cannot be exported.</summary>
    public void NotW3C(Activity activity)
    {
        if (IsFirst(ref _idFormat)) Log.NotW3C(logger, activity.OperationName, activity.Source.Name);
    }

    /// <summary>Reports a call without this library's headers, of a client that was made before tracing was added.</summary>
    public void EarlyClient(string host)
    {
        if (IsFirst(ref _earlyClient)) Log.EarlyClient(logger, host);
    }

    // Each instrumentation of requests and calls is a method of OpenTelemetry's that adds a source.
    private void ReportTracing()
    {
        List<string> kinds = [], sources = [], methods = [];
        Note(OtherListeners.HearRequests, "requests", SourceNames.HttpServer, "AddAspNetCoreInstrumentation()");
        Note(OtherListeners.HearCalls, "calls", SourceNames.HttpClient, "AddHttpClientInstrumentation()");
        Note(OtherListeners.HearGrpcCalls, "gRPC calls", SourceNames.GrpcClient, "AddGrpcClientInstrumentation()");
        Log.OpenTelemetryRecordsToo(logger, LogText.And(kinds), string.Join(", ", sources), LogText.And(methods));

        void Note(bool isHeard, string kind, string source, string method)
        {
            if (!isHeard) return;
            kinds.Add(kind);
            sources.Add(source);
            methods.Add(method);
        }
    }

    private static bool IsFirst(ref int flag) => flag == 0 && Interlocked.Exchange(ref flag, 1) == 0;
}
