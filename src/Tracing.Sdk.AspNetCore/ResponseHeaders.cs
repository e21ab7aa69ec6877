using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Tells the caller the trace id.</summary>
internal static class ResponseHeaders
{
    // Written when the response starts: error handlers clear whatever stood there before, and the trace may begin anew until then.
    public static void Announce(HttpContext context, MeshTracing tracing)
    {
        // A startup filter that runs before the middleware has started the response: OnStarting would throw.
        if (context.Response.HasStarted) return;
        context.Response.OnStarting(
            static state =>
            {
                var (context, tracing) = ((HttpContext, MeshTracing))state;
                try
                {
                    if (context.Features.Get<IHttpActivityFeature>()?.Activity is { IdFormat: ActivityIdFormat.W3C } activity) Write(context.Response.Headers, activity, tracing);
                }
                catch (Exception)
                {
                    // A feature of the server or the application threw; the exception would replace the response.
                }

                return Task.CompletedTask;
            },
            (context, tracing));
    }

    private static void Write(IHeaderDictionary headers, Activity activity, MeshTracing tracing)
    {
        var kinds = tracing.Options.Http.ResponseHeader;
        if (kinds.HasFlag(TraceResponseHeader.TraceId)) headers["x-trace-id"] = activity.TraceId.ToHexString();
        if (!kinds.HasFlag(TraceResponseHeader.ServerTiming)) return;
        var child = TraceParent.Format(
            activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), activity.Recorded, tracing.Recorder?.IsRandom(activity) ?? false);
        headers.Append("server-timing", "trace;desc=" + child);
    }
}
