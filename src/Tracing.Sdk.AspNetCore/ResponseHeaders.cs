using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Tells the caller the trace id.</summary>
internal static class ResponseHeaders
{
    // Written when the response starts: error handlers clear whatever stood there before, and the trace may begin anew until then.
    public static void Announce(HttpContext context, MeshTracing tracing) =>
        context.Response.OnStarting(
            static state =>
            {
                var (context, tracing) = ((HttpContext, MeshTracing))state;
                if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { IdFormat: ActivityIdFormat.W3C } activity) return Task.CompletedTask;
                var headers = context.Response.Headers;
                var kinds = tracing.Options.ResponseHeader;
                if (kinds.HasFlag(TraceResponseHeader.TraceId)) headers["x-trace-id"] = activity.TraceId.ToHexString();
                if (kinds.HasFlag(TraceResponseHeader.ServerTiming))
                {
                    var child = TraceParent.Format(
                        activity.TraceId.ToHexString(), activity.SpanId.ToHexString(), activity.Recorded, tracing.Recorder?.IsRandom(activity) ?? false);
                    headers.Append("server-timing", "trace;desc=" + child);
                }

                return Task.CompletedTask;
            },
            (context, tracing));
}
