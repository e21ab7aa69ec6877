using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Runs the application's functions for the spans of requests.</summary>
internal static class RequestEnrichment
{
    public static void Start(TracingInstance tracing, ServerSettings settings, Activity activity, ServerSpan? span, HttpContext context)
    {
        if (settings is { RequestStart: null, RequestEnd: null } || tracing.Recorder?.IsRecorded(activity) != true) return;
        // The functions may read the attributes, replace and remove them.
        if (span is { AreTags: false }) span.SetTags();
        if (settings.RequestStart is not { } start) return;
        try
        {
            start(activity, context);
        }
        catch (Exception e)
        {
            tracing.UserCode.Threw("Enrich:RequestStart", e);
        }
    }

    public static void End(TracingInstance tracing, ServerSettings settings, Activity activity, HttpContext context, Exception? exception)
    {
        if (settings.RequestEnd is not { } end || tracing.Recorder?.IsRecorded(activity) != true) return;
        try
        {
            end(activity, context, exception ?? context.Features.Get<IExceptionHandlerFeature>()?.Error);
        }
        catch (Exception e)
        {
            tracing.UserCode.Threw("Enrich:RequestEnd", e);
        }
    }
}
