using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Propagation.W3C;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Tells the caller the trace id.</summary>
internal static class ResponseHeaders
{
    /// <summary>Writes the headers when the response starts: until then error handlers clear headers, and the trace may be restarted.</summary>
    public static void WriteOnStart(HttpContext context, TraceResponseHeader kinds, SpanRecorder? recorder)
    {
        // A startup filter in front of the middleware may have started the response. OnStarting would throw then.
        if (context.Response.HasStarted) return;
        context.Response.OnStarting(
            static state =>
            {
                var (context, kinds, recorder) = ((HttpContext, TraceResponseHeader, SpanRecorder?))state;
                try
                {
                    if (context.Features.Get<IHttpActivityFeature>()?.Activity is { IdFormat: ActivityIdFormat.W3C } activity) Write(context.Response.Headers, activity, kinds, recorder);
                }
                catch (Exception)
                {
                    // A feature of the server or the application threw. The exception would replace the response.
                }

                return Task.CompletedTask;
            },
            (context, kinds, recorder));
    }

    private static void Write(IHeaderDictionary headers, Activity activity, TraceResponseHeader kinds, SpanRecorder? recorder)
    {
        if (kinds.HasFlag(TraceResponseHeader.TraceId)) headers["x-trace-id"] = activity.TraceId.ToHexString();
        if (!kinds.HasFlag(TraceResponseHeader.ServerTiming)) return;
        var child = TraceParent.Format(
            activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), activity.Recorded, recorder?.IsRandom(activity) ?? false);
        headers.Append("server-timing", "trace;desc=" + child);
    }
}
