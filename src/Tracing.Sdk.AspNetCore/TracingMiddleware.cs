using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using OpenTelemetry;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Completes the server span that hosting has started: a name, attributes and a status once they are known, at the end.</summary>
internal sealed class TracingMiddleware(RequestDelegate next, MeshTracing tracing)
{
    public Task InvokeAsync(HttpContext context)
    {
        ServerPropagator.EnsureReceived(context.Request.Headers, tracing);
        if (!tracing.Inbound.NeedsAddress) return ContinueAsync(context);
        var trust = tracing.Inbound.Judge(new RequestHeaderReader(context.Request.Headers), context.Connection.RemoteIpAddress);
        return RequestTrust.ApplyAsync(context, trust, tracing, ContinueAsync, ContinueAsync);
    }

    /// <summary>Runs <paramref name="next"/> and completes the current span, if it is the server's and recorded.</summary>
    public static Task CompleteCurrentAsync(HttpContext context, MeshTracing tracing, RequestDelegate next) =>
        Activity.Current is { IsAllDataRequested: true, Kind: ActivityKind.Server } activity ? CompleteAsync(context, tracing, activity, next) : next(context);

    private Task ContinueAsync(HttpContext context)
    {
        if (RemoteContext.Current?.Baggage is { Count: > 0 } baggage) Baggage.Current = W3CBaggagePropagator.ToBaggage(baggage);
        if (tracing.Options.Http.ResponseHeader != TraceResponseHeader.None) ResponseHeaders.Announce(context, tracing);
        return CompleteCurrentAsync(context, tracing, next);
    }

    private static async Task CompleteAsync(HttpContext context, MeshTracing tracing, Activity activity, RequestDelegate next)
    {
        var span = Begin(context, tracing, activity);
        if (RemoteContext.Current?.Loser is { } loser) activity.AddLink(loser.ToLink());
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception e) when (Complete(activity, span, e))
        {
            throw;
        }

        Complete(activity, span, exception: null);
    }

    private static ServerSpan? Begin(HttpContext context, MeshTracing tracing, Activity activity)
    {
        try
        {
            return ServerSpan.Begin(activity, context, tracing.AttemptHeader, tracing.Recorder);
        }
        catch (Exception)
        {
            // A feature of the server's or the application's threw: the span goes without attributes, and the request goes on.
            return null;
        }
    }

    // As a filter it never catches: the exception passes on with its stack as it was.
    private static bool Complete(Activity activity, ServerSpan? span, Exception? exception)
    {
        try
        {
            // The endpoint may have begun a trace of its own.
            if (activity.IsAllDataRequested) span?.Complete(exception);
        }
        catch (Exception)
        {
            // As above; or another listener threw where the exception was recorded.
        }

        return false;
    }
}
