using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Completes the server span that hosting has started, with the name, the attributes and the status that are known at the end.</summary>
internal sealed class TracingMiddleware(RequestDelegate next, TracingInstance tracing, ServerSettings settings)
{
    public Task InvokeAsync(HttpContext context)
    {
        ServerPropagator.EnsureReceived(context.Request.Headers, tracing);
        if (tracing.Propagation.Trust is not { NeedsAddress: true } rules) return ContinueAsync(context);
        var trust = rules.Decide(new DictionaryReader(context.Request.Headers), context.Connection.RemoteIpAddress);
        return RequestTrust.ApplyAsync(context, trust, tracing, ContinueAsync, ContinueAsync);
    }

    /// <summary>Runs <paramref name="next"/> and completes the current span, if it is the server's and recorded.</summary>
    public static Task CompleteCurrentAsync(HttpContext context, TracingInstance tracing, ServerSettings settings, RequestDelegate next)
    {
        if (Activity.Current is not { IsAllDataRequested: true, Kind: ActivityKind.Server } activity) return next(context);
        // Begun at arrival, because a rule about routes could have recorded it; completed where it was begun.
        if (context.Features.Get<IEndpointFeature>() is ServerSpan known && known.Activity == activity)
        {
            known.BeginLate(context);
            return next(context);
        }

        return CompleteAsync(context, tracing, settings, activity, RemoteContext.Current?.Link, SpanSampler.LastDecision, decidesAtEndpoint: false, next);
    }

    private Task ContinueAsync(HttpContext context)
    {
        var remote = RemoteContext.Current;
        if (remote?.Baggage is { Count: > 0 } baggage) Baggage.Current = W3CBaggagePropagator.ToBaggage(baggage);
        if (settings.ResponseHeader != TraceResponseHeader.None) ResponseHeaders.WriteOnStart(context, settings.ResponseHeader, tracing.Recorder);
        if (tracing.Recorder is not { } recorder) return CompleteCurrentAsync(context, tracing, settings, next);
        var activity = Activity.Current;
        if (!TryDecide(context, activity, recorder, out var decision)) return next(context);
        if (decision is { IsRecorded: false, Reason: var reason }) NoteRefusal(context, reason, remote);
        var needsRoute = tracing.Rules.Sampling.NeedsRoute;
        // The attributes of controllers and lambdas are read when routing makes the endpoints, at the first request.
        var decidesAtEndpoint = needsRoute || EndpointRules.MayExist || !tracing.AreEndpointsKnown;
        if (decidesAtEndpoint) recorder.NoteChildren();

        if (activity is { Kind: ActivityKind.Server } && (activity.IsAllDataRequested || needsRoute))
        {
            return CompleteAsync(context, tracing, settings, activity, remote?.Link, decision, decidesAtEndpoint, next);
        }

        if (decidesAtEndpoint) Watch(context, activity, decision);
        return next(context);
    }

    private void NoteRefusal(HttpContext context, DecisionReason reason, RemoteContext? remote) => tracing.Metrics.Refusals.Add(
        reason, context.Request.Path.Value ?? "", reason == DecisionReason.CallerNo ? remote?.Format ?? "b3" : null);

    // False when the request is ignored.
    private bool TryDecide(HttpContext context, Activity? activity, SpanRecorder recorder, out SamplingDecision? decision)
    {
        decision = SpanSampler.LastDecision;
        try
        {
            if (RequestRules.TryIgnore(context, tracing, activity, decision)) return false;
            var rules = tracing.Rules;
            if (rules.Sampling.AnyForRequests) decision = RequestRules.DecideByRules(context, rules, recorder, activity, route: null, decision);
        }
        catch (Exception)
        {
            // A feature of the server or the application threw. What was decided holds, and the request continues.
        }

        return true;
    }

    private static void Watch(HttpContext context, Activity? activity, SamplingDecision? decision)
    {
        try
        {
            _ = new UnrecordedRequest(context, activity, decision);
        }
        catch (Exception)
        {
            // As above.
        }
    }

    private static async Task CompleteAsync(
        HttpContext context, TracingInstance tracing, ServerSettings settings, Activity activity, LinkedContext? link, SamplingDecision? decision, bool decidesAtEndpoint,
        RequestDelegate next)
    {
        var span = Begin(context, tracing, settings, activity, decision, decidesAtEndpoint);
        if (link is not null) activity.AddLink(link.ToLink());
        // Hosting starts its activity before the baggage is known.
        if (tracing.Rules.BaggageKeys is { Length: > 0 } keys && tracing.Recorder is { } recorder && recorder.IsRecorded(activity)) BaggageAttributes.Set(activity, keys);
        RequestEnrichment.Start(tracing, settings, activity, span, context);
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (Exception e) when (Complete(context, tracing, settings, activity, span, e))
        {
            throw;
        }

        Complete(context, tracing, settings, activity, span, exception: null);
    }

    private static ServerSpan? Begin(
        HttpContext context, TracingInstance tracing, ServerSettings settings, Activity activity, SamplingDecision? decision, bool decidesAtEndpoint)
    {
        try
        {
            return ServerSpan.Begin(activity, context, settings, tracing.Recorder, decision, decidesAtEndpoint);
        }
        catch (Exception)
        {
            // A feature of the server or the application threw. The span has no attributes, and the request continues.
            return null;
        }
    }

    // Used as an exception filter that is never true, so that the exception keeps its stack.
    private static bool Complete(HttpContext context, TracingInstance tracing, ServerSettings settings, Activity activity, ServerSpan? span, Exception? exception)
    {
        // If the endpoint has started a trace of its own, the span is not recorded any more. One that code has stopped is complete.
        if (!activity.IsAllDataRequested || activity.IsStopped) return false;
        try
        {
            span?.Complete(exception);
        }
        catch (Exception)
        {
            // As above, or another listener threw when the exception was recorded.
        }

        RequestEnrichment.End(tracing, settings, activity, context, exception);
        return false;
    }
}
