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
        // Hosting asked the propagator already, unless nobody wanted an Activity.
        var remote = ServerPropagator.Receive(context.Request.Headers, tracing);
        if (remote.Baggage is { Count: > 0 } baggage) Baggage.Current = W3CBaggagePropagator.ToBaggage(baggage);

        if (Activity.Current is not { } activity) return next(context);
        if (tracing.Options.ResponseHeader != TraceResponseHeader.None) ResponseHeaders.Announce(context, activity, tracing);
        return activity.IsAllDataRequested ? InvokeTracedAsync(context, activity, remote) : next(context);
    }

    private async Task InvokeTracedAsync(HttpContext context, Activity activity, RemoteContext remote)
    {
        if (remote.Loser is { } loser) activity.AddLink(loser.ToLink());
        // Read now: middleware for forwarded headers may replace them by the client's.
        var (peer, peerPort) = (context.Connection.RemoteIpAddress, context.Connection.RemotePort);
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception e) when (Complete(activity, context, peer, peerPort, e))
        {
            throw;
        }

        Complete(activity, context, peer, peerPort, exception: null);
    }

    // As a filter it never catches: the exception passes on with its stack as it was.
    private static bool Complete(Activity activity, HttpContext context, System.Net.IPAddress? peer, int peerPort, Exception? exception)
    {
        ServerSpan.Complete(activity, context, peer, peerPort, exception);
        return false;
    }
}
