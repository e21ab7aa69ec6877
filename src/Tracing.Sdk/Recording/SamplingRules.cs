using System.Diagnostics;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>The rules of sampling, in order: the first that matches decides.</summary>
/// <remarks>Any thread. Matching allocates nothing.</remarks>
internal sealed class SamplingRules
{
    private readonly Rule[] _all;
    private readonly Rule[] _ofRequests;
    private readonly Rule[] _ofSpans;
    private readonly bool _followsCallers;
    private readonly bool _anyOverrides;

    /// <param name="rules">The rules.</param>
    /// <param name="followsCallers">Whether a caller's decision holds where no rule says otherwise.</param>
    /// <param name="time">The clock of the rates.</param>
    /// <param name="previous">The rules before a reload: a rule that is among them goes on with its bucket. Null at the start.</param>
    public SamplingRules(IReadOnlyList<SamplingRule> rules, bool followsCallers, TimeProvider time, SamplingRules? previous)
    {
        _all = [.. rules.Select(r => new Rule(r, Array.Find(previous?._all ?? [], p => p.Definition == r)?.Limit, time))];
        _ofRequests = Array.FindAll(_all, r => r.IsOfRequests);
        _ofSpans = Array.FindAll(_all, r => r.IsOfSpans);
        _followsCallers = followsCallers;
        _anyOverrides = Array.Exists(_all, r => r.OverridesCaller);
        NeedsRoute = Array.Exists(_ofRequests, r => r.NeedsRoute);
    }

    /// <summary>Whether a rule can match a request.</summary>
    public bool AnyForRequests => _ofRequests.Length > 0;

    /// <summary>Whether a rule can match a span outside of requests.</summary>
    public bool AnyForSpans => _ofSpans.Length > 0;

    /// <summary>Whether a rule is about routes, which are known after routing only: then <see cref="Decide(in RequestFacts, SamplingState, ActivityTraceId, string?)"/>
    /// is to be asked once more when a route has matched.</summary>
    public bool NeedsRoute { get; }

    /// <summary>Decides for a request. Before routing, rules about routes are passed over. After it, only such a rule decides, and only if no rule before it has done so already.</summary>
    /// <param name="request">The request.</param>
    /// <param name="caller">The decision of the caller.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="traceState">Its tracestate, which may hold the trace's randomness.</param>
    /// <returns>The decision of the first rule that matches, which <see cref="SpanRecorder.ChangeDecision"/> applies; null when no rule decides.</returns>
    public SamplingDecision? Decide(in RequestFacts request, SamplingState caller, ActivityTraceId traceId, string? traceState) =>
        // A rule that knows no route has decided before routing, and a rate has taken its token.
        Find(request, caller) is { } rule && (request.Route is null || rule.NeedsRoute) ? rule.Decide(traceId, traceState) : null;

    /// <summary>Decides for a request whose caller is trusted less than it was at arrival: every rule counts again.</summary>
    /// <param name="request">The request.</param>
    /// <param name="caller">The decision of the caller, as far as it still holds.</param>
    /// <param name="traceId">The trace.</param>
    /// <param name="traceState">Its tracestate, which may hold the trace's randomness.</param>
    /// <param name="before">What was decided at arrival: a rate that has decided then takes no second token.</param>
    /// <returns>As for <see cref="Decide(in RequestFacts, SamplingState, ActivityTraceId, string?)"/>.</returns>
    public SamplingDecision? DecideAnew(in RequestFacts request, SamplingState caller, ActivityTraceId traceId, string? traceState, SamplingDecision? before) =>
        Find(request, caller) is not { } rule ? null
        : before is { Rate: { } rate } && rate == rule.Limit ? before
        : rule.Decide(traceId, traceState);

    /// <summary>Decides for a span that is no request of a web host: a root, or the first span of a message. The decision is written into its tracestate.</summary>
    /// <param name="span">The span.</param>
    /// <param name="caller">The decision of the caller.</param>
    /// <returns>The decision of the first rule that matches; null when no rule decides.</returns>
    public SamplingDecision? Decide(ref ActivityCreationOptions<ActivityContext> span, SamplingState caller)
    {
        if (!MayDecide(caller, out var isDecided)) return null;
        foreach (var rule in _ofSpans)
        {
            if ((!isDecided || rule.OverridesCaller) && rule.Matches(span.Source.Name, span.Name)) return rule.Decide(ref span);
        }

        return null;
    }

    /// <summary>Decides for a root that has started; nothing was decided before.</summary>
    /// <param name="root">The root.</param>
    /// <returns>The decision of the first rule that matches, not yet written into the tracestate; null when no rule decides.</returns>
    public SamplingDecision? Decide(Activity root) =>
        Array.Find(_ofSpans, rule => rule.Matches(root.Source.Name, root.OperationName))?.Decide(root.TraceId, root.TraceStateString);

    private Rule? Find(in RequestFacts request, SamplingState caller)
    {
        if (!MayDecide(caller, out var isDecided)) return null;
        foreach (var rule in _ofRequests)
        {
            if ((!isDecided || rule.OverridesCaller) && rule.Matches(request)) return rule;
        }

        return null;
    }

    private bool MayDecide(SamplingState caller, out bool isDecided)
    {
        isDecided = caller != SamplingState.Defer && _followsCallers;
        return caller != SamplingState.Debug && (!isDecided || _anyOverrides);
    }

    private sealed class Rule
    {
        private readonly ProbabilitySampler? _ratio;
        private readonly SamplingDecision? _taken;
        private readonly SamplingDecision? _exhausted;
        private readonly (SamplingRule.ConditionKind Kind, string? Header, WildcardPattern Pattern)[] _conditions;

        public Rule(SamplingRule rule, RateLimit? limit, TimeProvider time)
        {
            Definition = rule;
            OverridesCaller = rule.OverridesCaller;
            if (rule.Ratio is { } ratio)
            {
                _ratio = new ProbabilitySampler(ratio);
            }
            else
            {
                Limit = limit ?? new RateLimit(rule.Rate!.Value, rule.Burst, time);
                _taken = new SamplingDecision(IsRecorded: true, DecisionReason.Rate, Threshold: null, Limit);
                _exhausted = _taken with { IsRecorded = false };
            }

            _conditions = [.. rule.AllConditions.Select(c => (c.Kind, c.Header, new WildcardPattern(c.Pattern)))];
            IsOfRequests = rule.AllConditions.All(c => SamplingRule.IsOfRequests(c.Kind));
            IsOfSpans = !rule.AllConditions.Any(c => SamplingRule.IsOfRequests(c.Kind));
            NeedsRoute = rule.AllConditions.Any(c => c.Kind == SamplingRule.ConditionKind.Route);
        }

        public SamplingRule Definition { get; }
        public RateLimit? Limit { get; }
        public bool OverridesCaller { get; }
        public bool IsOfRequests { get; }
        public bool IsOfSpans { get; }
        public bool NeedsRoute { get; }

        public SamplingDecision Decide(ActivityTraceId traceId, string? traceState) =>
            _ratio?.Decide(traceId, traceState, DecisionReason.Rule) ?? DecideByRate();

        public SamplingDecision Decide(ref ActivityCreationOptions<ActivityContext> span)
        {
            if (_ratio is not null) return _ratio.Decide(ref span, DecisionReason.Rule);
            var decision = DecideByRate();
            decision.WriteTo(ref span, span.TraceState);
            return decision;
        }

        public bool Matches(in RequestFacts request)
        {
            foreach (var (kind, header, pattern) in _conditions)
            {
                var matches = kind switch
                {
                    SamplingRule.ConditionKind.Path => pattern.Matches(request.Path),
                    SamplingRule.ConditionKind.Method => pattern.Matches(request.Method),
                    SamplingRule.ConditionKind.Host => pattern.Matches(request.Host),
                    SamplingRule.ConditionKind.Route => request.Route is not null && pattern.Matches(request.Route),
                    _ => MatchesHeader(request, header!, pattern),
                };
                if (!matches) return false;
            }

            return true;
        }

        public bool Matches(string source, string name)
        {
            foreach (var (kind, _, pattern) in _conditions)
            {
                if (!pattern.Matches(kind == SamplingRule.ConditionKind.Source ? source : name)) return false;
            }

            return true;
        }

        private SamplingDecision DecideByRate() => Limit!.TryTake() ? _taken! : _exhausted!;

        private static bool MatchesHeader(in RequestFacts request, string header, WildcardPattern pattern)
        {
            if (!request.Headers.TryGetValue(header, out var values)) return false;
            foreach (var value in values)
            {
                if (pattern.Matches(value)) return true;
            }

            return false;
        }
    }
}
