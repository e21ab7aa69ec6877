using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Applies trust that was not known when hosting started its Activity. Hosting gives its propagator the headers only, so a rule about the peer's address is
/// applied by the middleware, and the metadata of an endpoint when the endpoint runs.</summary>
internal static class RequestTrust
{
    private static readonly ActivitySource Source = new(SourceNames.OwnHttpServer, typeof(RequestTrust).Assembly.GetName().Version?.ToString(3));

    // More trust than before changes nothing. next runs where the span that is recorded stays the same, nextCompleting where a span is recorded
    // only from now on: it completes the current span.
    public static Task ApplyAsync(HttpContext context, TraceTrust trust, TracingInstance tracing, RequestDelegate next, RequestDelegate nextCompleting)
    {
        if (trust == TraceTrust.Trust || tracing.Recorder is not { } recorder) return next(context);
        var known = RemoteContext.Current ?? tracing.EmptyContext;
        // An ignored request already forwards no more than the trust of its endpoint allows.
        var remote = known.Ignored is null ? Lower(context, trust, tracing) : known;
        if (remote == known && known.Ignored is null) return next(context);
        if (remote.Trust == TraceTrust.Restart) RemoveBaggage(remote, Activity.Current, tracing.Rules.BaggageKeys);
        if (known.Ignored is not null || Activity.Current is not { } activity) return next(context);
        // Only if ids came in, hosting's Activity is in the caller's trace.
        return trust == TraceTrust.Restart && known.Ids.HasIds
            ? RestartAsync(context, activity, tracing, recorder, nextCompleting)
            : DecideAnewAsync(context, remote, activity, tracing, recorder, next, nextCompleting);
    }

    /// <summary>Lowers the trust in the caller of the current request and returns its context.</summary>
    public static RemoteContext Lower(HttpContext context, TraceTrust trust, TracingInstance tracing)
    {
        var known = RemoteContext.Current ?? tracing.EmptyContext;
        var remote = known.WithTrust(trust, context.Request.Headers);
        if (remote != known) RemoteContext.ReplaceCurrent(remote, shared: tracing.EmptyContext);
        return remote;
    }

    /// <summary>Whether this trust in the caller of the current request is less than the one in force, and refuses something that it sent.</summary>
    public static bool IsLowered(HttpContext context, TraceTrust trust, TracingInstance tracing)
    {
        if (trust == TraceTrust.Trust) return false;
        var known = RemoteContext.Current ?? tracing.EmptyContext;
        return known.WithTrust(trust, context.Request.Headers) != known;
    }

    private static Task DecideAnewAsync(
        HttpContext context, RemoteContext remote, Activity activity, TracingInstance tracing, SpanRecorder recorder, RequestDelegate next, RequestDelegate nextCompleting)
    {
        var wasRecorded = activity.IsAllDataRequested;
        var arrival = RequestRules.FindDecision(context);
        Keep(context, recorder.DecideAnew(activity, arrival, remote.Trust));
        Keep(context, ApplyRules(context, activity, tracing, recorder, arrival));
        return wasRecorded ? next(context) : nextCompleting(context);
    }

    // An Activity cannot change its trace. Hosting's own is not recorded any more, and a new root replaces it.
    private static async Task RestartAsync(HttpContext context, Activity replaced, TracingInstance tracing, SpanRecorder recorder, RequestDelegate next)
    {
        var arrival = RequestRules.FindDecision(context);
        tracing.Metrics.DecisionTakenBack(arrival);
        Keep(context, null);
        recorder.TakeBack(replaced);
        Activity.Current = null;
        using var activity = Source.StartActivity(replaced.OperationName, ActivityKind.Server);
        if (activity is not null)
        {
            OutgoingIds.Replace(replaced, activity);
            // What middleware has added stays with the request.
            foreach (var (key, value) in replaced.Baggage.Reverse()) activity.AddBaggage(key, value);
            // A feature of this library: hosting stops the Activity of its own feature.
            context.Features.Set<IHttpActivityFeature>(new CurrentActivity(activity));
            // Not kept in the request, whose server span is still that of the replaced activity.
            SpanSampler.LastDecision = ApplyRules(context, activity, tracing, recorder, arrival);
        }

        await next(context).ConfigureAwait(false);
    }

    // The rules about requests, at an endpoint. At arrival the middleware applies them in its next step.
    private static SamplingDecision? ApplyRules(HttpContext context, Activity activity, TracingInstance tracing, SpanRecorder recorder, SamplingDecision? arrival)
    {
        var rules = tracing.Rules;
        return rules.Sampling.AnyForRequests && context.GetEndpoint() is { } endpoint
            ? RequestRules.DecideByRulesAnew(context, rules, recorder, activity, EndpointNames.Of(endpoint).Route, arrival, SpanSampler.LastDecision)
            : SpanSampler.LastDecision;
    }

    // The next step runs on this thread.
    private static void Keep(HttpContext context, SamplingDecision? decision)
    {
        SpanSampler.LastDecision = decision;
        RequestRules.SetDecision(context, decision);
    }

    // Members that middleware has added, or whose value it has replaced, remain.
    private static void RemoveBaggage(RemoteContext remote, Activity? activity, string[] baggageKeys)
    {
        foreach (var (key, value, _) in remote.Refused?.Baggage ?? [])
        {
            if (Baggage.GetBaggage(key) == value) Baggage.RemoveBaggage(key);
            if (activity is null) continue;
            if (activity.GetBaggageItem(key) == value) activity.SetBaggage(key, null);
            BaggageAttributes.Remove(activity, baggageKeys, key, value);
        }
    }

    private sealed class CurrentActivity(Activity activity) : IHttpActivityFeature
    {
        public Activity Activity { get; set; } = activity;
    }
}
