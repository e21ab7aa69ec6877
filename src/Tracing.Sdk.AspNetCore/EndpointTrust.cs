using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.AspNetCore;

/// <summary>
/// Trust that could not be judged from the headers when hosting started its Activity: it takes the peer's address, or the endpoint.
/// </summary>
internal static class EndpointTrust
{
    private static readonly ActivitySource Source = new("Tracing.Sdk.AspNetCore", typeof(EndpointTrust).Assembly.GetName().Version?.ToString(3));

    /// <param name="context">The request.</param>
    /// <param name="trust">What has been judged.</param>
    /// <param name="tracing">The host's tracing.</param>
    /// <param name="next">What follows where nothing changes.</param>
    /// <param name="nextCompleting">What follows where a span is recorded from now on: it completes the span that is current then.</param>
    public static Task InvokeAsync(HttpContext context, TraceTrust trust, MeshTracing tracing, RequestDelegate next, RequestDelegate nextCompleting)
    {
        if (trust == TraceTrust.Trust || tracing.Recorder is not { } recorder || RemoteContext.Current is not { } remote) return next(context);
        if (trust == TraceTrust.Restart)
        {
            return remote.Ids.HasIds || remote.Baggage is not null ? RestartAsync(context, remote, recorder, nextCompleting) : next(context);
        }

        RemoteContext.Current = remote.As(trust);
        if (Activity.Current is not { } activity) return next(context);
        var wasRecorded = activity.IsAllDataRequested;
        recorder.DecideAnew(activity);
        return wasRecorded ? next(context) : nextCompleting(context);
    }

    // An Activity cannot change its trace. Hosting's own is left out of the record and a new root takes its place.
    private static async Task RestartAsync(HttpContext context, RemoteContext remote, Recording.SpanRecorder recorder, RequestDelegate next)
    {
        var foreign = Activity.Current;
        if (foreign is not null) recorder.Abandon(foreign);
        RemoteContext.Current = remote.As(TraceTrust.Restart);
        Baggage.Current = default;
        Activity.Current = null;
        using (var activity = Source.StartActivity(foreign?.OperationName ?? "HTTP", ActivityKind.Server))
        {
            // A feature of our own: hosting stops what stands in its.
            if (activity is not null) context.Features.Set<IHttpActivityFeature>(new CurrentActivity(activity));
            await next(context).ConfigureAwait(false);
        }

        Activity.Current = foreign;
    }

    private sealed class CurrentActivity(Activity activity) : IHttpActivityFeature
    {
        public Activity Activity { get; set; } = activity;
    }
}
