using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

public sealed class SamplingRulesTests
{
    private static readonly ActivityTraceId Low = ActivityTraceId.CreateFromString("ffffffffffffffffff00000000000001");
    private static readonly ActivityTraceId High = ActivityTraceId.CreateFromString("000000000000000000ffffffffffffff");

    [Theory]
    [InlineData("path=/api/orders/7", true)]
    [InlineData("path=/API/*", true)]
    [InlineData("path=*/7", true)]
    [InlineData("path=/api/*/7", true)]
    [InlineData("path=/api", false)]
    [InlineData("method=GET", true)]
    [InlineData("method=get", true)]
    [InlineData("method=POST", false)]
    [InlineData("host=shop.example.com", true)]
    [InlineData("host=*.EXAMPLE.com", true)]
    [InlineData("host=example.com", false)]
    [InlineData("header=x-tenant", true)]
    [InlineData("header=X-Tenant:gold", true)]
    [InlineData("header=x-tenant:g*", true)]
    [InlineData("header=x-tenant:silver", false)]
    [InlineData("header=x-many:two", true)]
    [InlineData("header=x-other", false)]
    [InlineData("header=x-tenant header=x-many:one", true)]
    [InlineData("header=x-tenant header=x-other", false)]
    [InlineData("path=/api/* method=GET host=* header=x-tenant:*", true)]
    [InlineData("path=/api/* method=PUT", false)]
    [InlineData("source=*", false)]
    [InlineData("span=*", false)]
    [InlineData("", true)]
    public void Request_Conditions_AllHaveToMatch(string conditions, bool matches)
    {
        var decision = Rules($"always {conditions}").Decide(Request(), SamplingState.Defer, Low, null);

        Assert.Equal(matches ? (true, DecisionReason.Rule) : null, decision is null ? null : ((bool, DecisionReason)?)(decision.IsRecorded, decision.Reason));
    }

    [Theory]
    [InlineData("source=Quartz*", true)]
    [InlineData("source=quartz.jobs span=poll*", true)]
    [InlineData("span=\"poll the queue\"", true)]
    [InlineData("span=push*", false)]
    [InlineData("source=Quartz span=poll*", false)]
    [InlineData("path=*", false)]
    [InlineData("", true)]
    public void Span_Conditions_AllHaveToMatch(string conditions, bool matches)
    {
        var (decision, _) = DecideSpan(Rules($"never {conditions}"), SamplingState.Defer, default);

        Assert.Equal(matches ? (false, DecisionReason.Rule) : null, decision is null ? null : ((bool, DecisionReason)?)(decision.IsRecorded, decision.Reason));
    }

    [Fact]
    public void Request_FirstRuleThatMatches_Decides()
    {
        var rules = Rules("never method=PUT", "always path=/api/*", "never");

        Assert.True(Decide(rules).IsRecorded);
    }

    [Theory]
    [InlineData(nameof(SamplingState.Defer), "never", true)]
    [InlineData(nameof(SamplingState.Accept), "never", false)]
    [InlineData(nameof(SamplingState.Deny), "always", false)]
    [InlineData(nameof(SamplingState.Debug), "never", false)]
    [InlineData(nameof(SamplingState.Accept), "never override-caller", true)]
    [InlineData(nameof(SamplingState.Deny), "always override-caller", true)]
    [InlineData(nameof(SamplingState.Debug), "never override-caller", false)]
    public void Caller_HasDecided_IsOverruledByARuleThatSaysSo(string caller, string rule, bool isDecided)
    {
        var state = Enum.Parse<SamplingState>(caller);
        Assert.Equal(isDecided, Rules(rule).Decide(Request(), state, Low, null) is not null);
        Assert.Equal(isDecided, DecideSpan(Rules(rule), state, default).Decision is not null);
    }

    [Theory]
    [InlineData(nameof(SamplingState.Accept), true)]
    [InlineData(nameof(SamplingState.Deny), true)]
    [InlineData(nameof(SamplingState.Debug), false)]
    public void Caller_NotFollowed_LeavesTheDecisionToTheRules(string caller, bool isDecided) => Assert.Equal(
        isDecided, new SamplingRules([SamplingRule.Parse("never")], followsCallers: false, TimeProvider.System, null).Decide(Request(), Enum.Parse<SamplingState>(caller), Low, null) is not null);

    [Fact]
    public void Caller_HasDecided_PassesRulesForUndecidedTraces()
    {
        var rules = Rules("never path=*", "always override-caller header=x-tenant");

        var decision = rules.Decide(Request(), SamplingState.Deny, Low, null);
        Assert.NotNull(decision);
        Assert.True(decision.IsRecorded);
    }

    [Fact]
    public void Ratio_Half_IsDecidedByTheIdAndWritten()
    {
        var rules = Rules("50%");

        Assert.Equal(new SamplingDecision(true, DecisionReason.Rule, "ot=th:8"), Decide(rules, traceId: High));
        Assert.Equal(new SamplingDecision(false, DecisionReason.Rule, null), Decide(rules, traceId: Low));
    }

    [Fact]
    public void Ratio_RandomnessInTheTraceState_CountsInPlaceOfTheId()
    {
        var decision = Rules("50%").Decide(Request(), SamplingState.Defer, Low, "foo=1,ot=rv:80000000000000");
        Assert.NotNull(decision);
        Assert.True(decision.IsRecorded);
        decision = Rules("50%").Decide(Request(), SamplingState.Defer, High, "ot=rv:7fffffffffffff");
        Assert.NotNull(decision);
        Assert.False(decision.IsRecorded);
    }

    [Fact]
    public void Rate_TokensAreGone_RefusesUntilTheyComeBack()
    {
        var time = new FakeTimeProvider();
        var rules = Rules(time, "2/s");

        Assert.Equal([true, true, false, false], Take(rules, 4));
        time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal([true, false], Take(rules, 2));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal([true, true, false], Take(rules, 3));
        Assert.Equal((DecisionReason.Rate, null), (Decide(rules).Reason, Decide(rules).Threshold));
    }

    [Fact]
    public void Rate_BelowOne_LetsOneThroughAtATime()
    {
        var time = new FakeTimeProvider();
        var rules = Rules(time, "0.1/s");

        Assert.Equal([true, false], Take(rules, 2));
        time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal([false], Take(rules, 1));
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal([true, false], Take(rules, 2));
    }

    [Fact]
    public void Rate_Burst_IsWhatAPauseSaves()
    {
        var time = new FakeTimeProvider();
        var rules = Rules(time, "1/s burst=3");

        Assert.Equal([true, true, true, false], Take(rules, 4));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([true, true, false], Take(rules, 3));
    }

    [Fact]
    public void Rate_OfTwoRules_IsCountedForEach()
    {
        var rules = Rules(new FakeTimeProvider(), "1/s path=/a", "1/s path=/api/*", "never");

        Assert.Equal([true, false], Take(rules, 2));
        var decision = rules.Decide(Request() with { Path = "/a" }, SamplingState.Defer, Low, null);
        Assert.NotNull(decision);
        Assert.True(decision.IsRecorded);
    }

    [Fact]
    public async Task Rate_ManyThreads_LetThroughAsManyAsOneDoes()
    {
        var rules = Rules(new FakeTimeProvider(), "1000/s");
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Take(rules, 1000).Count(t => t))));

        Assert.Equal(1000, taken.Sum());
    }

    [Fact]
    public void Rate_ReloadWithTheSameRule_GoesOn()
    {
        var time = new FakeTimeProvider();
        var before = Rules(time, "1/s path=/api/*");
        Assert.Equal([true], Take(before, 1));
        var after = new SamplingRules([SamplingRule.Parse("never path=/x"), SamplingRule.Parse("1/s  path=/api/*")], true, time, before);

        Assert.Equal([false], Take(after, 1));
    }

    [Fact]
    public void Rate_ReloadWithAnotherRule_StartsAnew()
    {
        var time = new FakeTimeProvider();
        var before = Rules(time, "1/s path=/api/*");
        Assert.Equal([true], Take(before, 1));
        var after = new SamplingRules([SamplingRule.Parse("1/s path=/*")], true, time, before);

        Assert.Equal([true], Take(after, 1));
    }

    [Fact]
    public void Route_BeforeRouting_PassesTheRuleOver()
    {
        var rules = Rules("never route=/orders/{id}", "always path=/api/*");

        Assert.True(rules.NeedsRoute);
        Assert.True(Decide(rules).IsRecorded);
    }

    [Theory]
    [InlineData("/orders/{id}", true)]
    [InlineData("/Orders/*", true)]
    [InlineData("/orders", false)]
    public void Route_AfterRouting_Decides(string route, bool isDecided)
    {
        var rules = Rules($"never route={route}", "always path=/api/*");

        var decision = rules.Decide(Request() with { Route = "/orders/{id}" }, SamplingState.Defer, Low, null);
        Assert.Equal(isDecided, decision is not null);
        Assert.NotEqual(true, decision?.IsRecorded);
    }

    [Fact]
    public void Route_AfterARateThatMatched_TakesNoSecondToken()
    {
        var rules = Rules(new FakeTimeProvider(), "2/s path=/api/*", "never route=/orders/{id}");
        var routed = Request() with { Route = "/orders/{id}" };

        Assert.True(Decide(rules).IsRecorded);
        Assert.Null(rules.Decide(routed, SamplingState.Defer, Low, null));
        Assert.True(Decide(rules).IsRecorded);
    }

    [Fact]
    public void NeedsRoute_NoRuleOfARoute_IsFalse() => Assert.False(Rules("never path=/x", "1/s source=Quartz").NeedsRoute);

    [Theory]
    [InlineData("never path=/x", true)]
    [InlineData("never", true)]
    [InlineData("never source=Quartz", false)]
    public void AnyForRequests_KindOfRule_Says(string rule, bool has) => Assert.Equal(has, Rules(rule).AnyForRequests);

    [Theory]
    [InlineData("50%", "000000000000000000ffffffffffffff", "foo=1", "ot=th:8,foo=1")]
    [InlineData("50%", "000000000000000000ffffffffffffff", "ot=th:c;x:1", "ot=th:8;x:1")]
    [InlineData("50%", "ffffffffffffffffff00000000000001", "ot=th:c;x:1,foo=1", "ot=x:1,foo=1")]
    [InlineData("always", "ffffffffffffffffff00000000000001", "ot=th:c,foo=1", "ot=th:0,foo=1")]
    [InlineData("always", "ffffffffffffffffff00000000000001", "foo=1", "foo=1")]
    [InlineData("5/s", "ffffffffffffffffff00000000000001", "ot=th:c;rv:ffffffffffffff", "ot=rv:ffffffffffffff")]
    [InlineData("never", "ffffffffffffffffff00000000000001", "ot=th:c,foo=1", "foo=1")]
    public void Span_WithATraceState_HasTheThresholdOfTheRule(string rule, string traceId, string before, string after)
    {
        var parent = new ActivityContext(ActivityTraceId.CreateFromString(traceId), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, before, isRemote: true);

        Assert.Equal(after, DecideSpan(Rules($"{rule} override-caller"), SamplingState.Accept, parent).TraceState);
    }

    [Fact]
    public void Match_AnyRequest_AllocatesNothing()
    {
        var rules = Rules(
            [.. Enumerable.Range(0, 20).Select(i => $"never path=/other/{i}/*/x host=*.a{i} method=GET"), "never route=/x", "never header=x-many:*e header=x-tenant:silver", "1000/s path=/API/*", "50%"]);
        var request = Request();
        Assert.NotNull(rules.Decide(request, SamplingState.Defer, Low, "ot=rv:80000000000000"));
        Assert.Equal(0, Allocations.Of(() => rules.Decide(request, SamplingState.Defer, Low, "ot=rv:80000000000000")));
    }

    private static SamplingRules Rules(params string[] rules) => Rules(TimeProvider.System, rules);

    private static SamplingRules Rules(TimeProvider time, params string[] rules) => new([.. rules.Select(r => SamplingRule.Parse(r))], followsCallers: true, time, previous: null);

    private static RequestFacts Request() => new(
        "GET", "/api/orders/7", "shop.example.com",
        new Dictionary<string, StringValues>(StringComparer.OrdinalIgnoreCase) { ["x-tenant"] = "gold", ["x-many"] = new(["one", "two"]) }, Route: null);

    private static SamplingDecision Decide(SamplingRules rules, ActivityTraceId? traceId = null)
    {
        var decision = rules.Decide(Request(), SamplingState.Defer, traceId ?? Low, null);
        Assert.NotNull(decision);
        return decision;
    }

    private static bool[] Take(SamplingRules rules, int times) => [.. Enumerable.Range(0, times).Select(_ => Decide(rules).IsRecorded)];

    // The platform alone makes ActivityCreationOptions.
    private static (SamplingDecision? Decision, string? TraceState) DecideSpan(SamplingRules rules, SamplingState caller, ActivityContext parent)
    {
        using var source = new ActivitySource("Quartz.Jobs");
        (SamplingDecision?, string?) result = default;
        using var listener = new ActivityListener
        {
            ShouldListenTo = s => ReferenceEquals(s, source),
            Sample = (ref ActivityCreationOptions<ActivityContext> span) =>
            {
                result = (rules.Decide(ref span, caller), span.TraceState);
                return ActivitySamplingResult.None;
            },
        };
        ActivitySource.AddActivityListener(listener);
        source.StartActivity("poll the queue", ActivityKind.Consumer, parent)?.Dispose();
        return result;
    }
}
