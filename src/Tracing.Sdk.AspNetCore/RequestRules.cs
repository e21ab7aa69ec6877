using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Decides about a request by what hosting's Activity does not know: the path, the host, the headers, the endpoint, and the application's predicate.</summary>
internal static class RequestRules
{
    /// <summary>Finds out whether a request is ignored, before any code of the application runs, and ignores it then.</summary>
    /// <param name="context">The request.</param>
    /// <param name="tracing">The tracing of its host.</param>
    /// <param name="activity">Its activity; null when there is none.</param>
    /// <param name="before">What was decided when the request's activity started; null when nothing was.</param>
    /// <returns>Whether it is ignored.</returns>
    public static bool TryIgnore(HttpContext context, TracingInstance tracing, Activity? activity, SamplingDecision? before)
    {
        // A listener in front may clear it, such as the filter of OpenTelemetry's instrumentation.
        var reason = before is { IsRecorded: true } && activity is { Recorded: false } ? DecisionReason.Cleared : FindIgnored(context, tracing.Rules.Ignored, tracing.UserCode);
        if (reason is null) return false;
        Ignore(context, tracing, activity, reason.Value, before);
        return true;
    }

    /// <summary>Decides anew when the endpoint is known, for a request that has no child span yet.</summary>
    /// <param name="context">The request.</param>
    /// <param name="endpoint">Its endpoint.</param>
    /// <param name="activity">Its activity; null when there is none.</param>
    /// <param name="before">What was decided before.</param>
    /// <param name="mayRecord">Whether a rule may record the request, because its span would be completed.</param>
    /// <returns>What is decided now.</returns>
    public static SamplingDecision? DecideAtEndpoint(HttpContext context, Endpoint endpoint, Activity? activity, SamplingDecision? before, bool mayRecord)
    {
        if (TracingInstance.Find() is not { Recorder: { } recorder } tracing || RemoteContext.Current is { Ignored: not null }) return before;
        if (!tracing.AreEndpointsKnown) tracing.AreEndpointsKnown = true;
        var rules = tracing.Rules;
        var trust = EndpointTrust.Of(endpoint);
        if (EndpointNames.Of(endpoint).Ignored is { } reason && (reason != DecisionReason.HealthCheck || rules.Ignored.HealthChecks))
        {
            // First the trust: what it refuses does not go on.
            RequestTrust.Lower(context, trust, tracing);
            return Ignore(context, tracing, activity, reason, before);
        }

        // Where the trust changes something, the rules are applied together with it, when the endpoint runs.
        return mayRecord && rules.Sampling.NeedsRoute && !RequestTrust.IsLowered(context, trust, tracing) ? DecideByRules(context, rules, recorder, activity, EndpointNames.Of(endpoint).Route, before) : before;
    }

    /// <summary>Ignores a request from now on.</summary>
    /// <returns>What is decided now.</returns>
    public static SamplingDecision Ignore(
        HttpContext context, TracingInstance tracing, Activity? activity, DecisionReason reason, SamplingDecision? before)
    {
        var decision = SamplingDecision.Refuse(reason);
        tracing.Metrics.DecisionReplaced(before, decision);
        tracing.Metrics.Refusals.Add(reason, context.Request.Path.Value ?? "");
        tracing.IgnoreRequest(context.Request.Headers, activity);
        return decision;
    }

    /// <summary>Applies the sampling rules.</summary>
    /// <returns>The decision of a rule; <paramref name="before"/> when none matches.</returns>
    public static SamplingDecision? DecideByRules(
        HttpContext context, TracingRules rules, SpanRecorder recorder, Activity? activity, string? route, SamplingDecision? before)
    {
        if (activity is not { Kind: ActivityKind.Server }) return before;
        if (rules.Sampling.Decide(FactsOf(context.Request, route), CallerState, activity.TraceId, activity.TraceStateString) is not { } decision) return before;
        recorder.ChangeDecision(activity, before, decision);
        return decision;
    }

    /// <summary>Applies the sampling rules to a request whose caller is trusted less than at its arrival.</summary>
    /// <param name="context">The request.</param>
    /// <param name="rules">The rules.</param>
    /// <param name="recorder">The recorder of its host.</param>
    /// <param name="activity">Its activity.</param>
    /// <param name="route">The route of its endpoint.</param>
    /// <param name="arrival">What was decided at its arrival.</param>
    /// <param name="before">What has been decided since without the rules.</param>
    /// <returns>The decision of a rule; <paramref name="before"/> when none matches.</returns>
    public static SamplingDecision? DecideByRulesAnew(
        HttpContext context, TracingRules rules, SpanRecorder recorder, Activity activity, string? route, SamplingDecision? arrival, SamplingDecision? before)
    {
        if (activity.Kind != ActivityKind.Server) return before;
        if (rules.Sampling.DecideAnew(FactsOf(context.Request, route), CallerState, activity.TraceId, activity.TraceStateString, arrival) is not { } decision) return before;
        recorder.ChangeDecision(activity, before, decision);
        return decision;
    }

    /// <summary>What was last decided about a request. It is kept on the thread until the middleware runs, and in the request afterwards.</summary>
    public static SamplingDecision? FindDecision(HttpContext context) => context.Features.Get<IEndpointFeature>() switch
    {
        ServerSpan span => span.Decision,
        UnrecordedRequest request => request.Decision,
        _ => context.GetEndpoint() is null ? SpanSampler.LastDecision : null,
    };

    /// <inheritdoc cref="FindDecision"/>
    public static void SetDecision(HttpContext context, SamplingDecision? decision)
    {
        var feature = context.Features.Get<IEndpointFeature>();
        if (feature is ServerSpan span) span.Decision = decision;
        else if (feature is UnrecordedRequest request) request.Decision = decision;
    }

    private static DecisionReason? FindIgnored(HttpContext context, IgnoreRules rules, UserCode userCode)
    {
        if (rules.FindPath(PathOf(context.Request)) is { } reason) return reason;
        try
        {
            return rules.RequestFilter is Func<HttpContext, bool> filter && filter(context) ? DecisionReason.IgnoredByCode : null;
        }
        catch (Exception e)
        {
            userCode.Threw("Ignore:Request", e);
            return null;
        }
    }

    private static SamplingState CallerState => RemoteContext.Current?.Ids.State ?? SamplingState.Defer;

    private static RequestFacts FactsOf(HttpRequest request, string? route) => new(request.Method, PathOf(request), HostOf(request), request.Headers, route);

    private static string PathOf(HttpRequest request) =>
        request.PathBase is { HasValue: true } pathBase ? pathBase.Value + request.Path.Value : request.Path.Value ?? "";

    private static string HostOf(HttpRequest request) =>
        request.Headers.Host is [{ Length: > 0 } host, ..] ? Authority.Parse(host).Name : "";
}
