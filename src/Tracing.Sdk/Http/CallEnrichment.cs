using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>Runs the application's functions for the spans of calls.</summary>
internal static class CallEnrichment
{
    public static void Start(TracingInstance tracing, Activity activity, HttpRequestMessage request)
    {
        if (tracing.Enrich.CallStart is not { } callStart || tracing.Recorder?.IsRecorded(activity) != true) return;
        try
        {
            callStart(activity, request);
        }
        catch (Exception e)
        {
            tracing.UserCode.Threw("Enrich:CallStart", e);
        }
    }

    public static void End(TracingInstance tracing, Activity activity, HttpRequestMessage request, HttpResponseMessage? response, Exception? exception)
    {
        if (tracing.Enrich.CallEnd is not { } callEnd || tracing.Recorder?.IsRecorded(activity) != true) return;
        try
        {
            callEnd(activity, request, response, exception);
        }
        catch (Exception e)
        {
            tracing.UserCode.Threw("Enrich:CallEnd", e);
        }
    }
}
