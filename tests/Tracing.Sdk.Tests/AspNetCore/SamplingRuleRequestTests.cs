using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Sampling rules over real requests.</summary>
[Collection(Alone.Name)]
public sealed class SamplingRuleRequestTests
{
    // The randomness is e000...: a ratio of 0.25 (th:c) keeps the trace, one of 0.1 (th:e666) does not.
    private static readonly string Trace = $"{ActivityTraceId.CreateRandom().ToHexString()[..18]}e0000000000000";
    private static readonly string Parent = ActivitySpanId.CreateRandom().ToHexString();

    [Theory]
    [InlineData("never path=/a/*")]
    [InlineData("never method=GET path=*a/1")]
    [InlineData("never host=127.0.0.1 path=/a/1")]
    [InlineData("never header=x-noise:yes*")]
    [InlineData("never route=/a/{id}")]
    [InlineData("0% route=/a/*")]
    public async Task Never_RequestMatches_IsNotRecorded(string rule)
    {
        await using var service = await StartAsync([rule]);
        await service.GetAsync("/a/1", "x-noise: yes-please");
        await service.GetAsync("/b/1");

        Assert.Equal("/b/1", (await service.StopAsync()).Server().Tag("url.path"));
        Decisions.Assert(service.Services, (DecisionReason.Rule, false, 1), (DecisionReason.Ratio, true, 1));
    }

    [Theory]
    [InlineData("always path=/a/*")]
    [InlineData("always header=x-tenant:gold")]
    [InlineData("always route=/a/{id}")]
    public async Task Always_RequestMatches_IsRecordedWhereTheRatioIsZero(string rule)
    {
        await using var service = await StartAsync([rule], o => o.Sampling.Ratio = 0);
        await service.GetAsync("/a/1", "x-tenant: gold");
        await service.GetAsync("/b/1");

        var span = (await service.StopAsync()).Server();
        Assert.Equal(("GET /a/{id}", "/a/1"), (span.Name, span.Tag("url.path")));
    }

    [Fact]
    public async Task Route_BehindARuleThatMatched_DoesNotDecide()
    {
        await using var service = await StartAsync(["always path=/a/*", "never route=/a/{id}"]);
        await service.GetAsync("/a/1");

        Assert.Single(await service.StopAsync());
    }

    [Fact]
    public async Task Route_BeforeARuleThatMatched_Decides()
    {
        await using var service = await StartAsync(["never route=/a/{id}", "always path=/a/*"]);
        await service.GetAsync("/a/1");

        Assert.Empty(await service.StopAsync());
    }

    [Theory]
    [InlineData("never path=*", "01", true)]
    [InlineData("always path=*", "00", false)]
    [InlineData("never override-caller", "01", false)]
    [InlineData("always override-caller", "00", true)]
    [InlineData("always override-caller route=/a/{id}", "00", true)]
    public async Task Caller_HasDecided_HoldsUnlessTheRuleOverridesIt(string rule, string flags, bool isRecorded)
    {
        await using var service = await StartAsync([rule]);
        await service.GetAsync("/a/1", $"traceparent: 00-{Trace}-{Parent}-{flags}");

        Assert.Equal(isRecorded ? 1 : 0, (await service.StopAsync()).Count);
    }

    [Fact]
    public async Task Caller_Debug_IsRecordedInAnyCase()
    {
        await using var service = await StartAsync(["never override-caller"]);
        await service.GetAsync("/a/1", $"b3: {Trace}-{Parent}-d");

        Assert.Equal(Parent, (await service.StopAsync()).Server().ParentId);
    }

    [Fact]
    public async Task Rate_BesideARuleOfARoute_TakesOneTokenARequest()
    {
        var time = new FakeTimeProvider();
        await using var service = await StartAsync(["never route=/b/{id}", "2/s"], build: b => b.Services.AddSingleton<TimeProvider>(time));
        for (var i = 0; i < 4; i++) await service.GetAsync($"/a/{i}");
        time.Advance(TimeSpan.FromSeconds(0.5));
        await service.GetAsync("/a/4");

        Assert.Equal(["/a/0", "/a/1", "/a/4"], (await service.StopAsync()).Select(s => s.Tag("url.path")));
        Decisions.Assert(service.Services, (DecisionReason.Rate, true, 3), (DecisionReason.Rate, false, 2));
    }

    [Theory]
    [InlineData(0.25, null, "ot=th:c")]
    [InlineData(0.1, "25% path=/a/*", "ot=th:c")]
    [InlineData(0.25, "always path=/a/*", "ot=th:0")]
    [InlineData(0, "always path=/a/*", null)]
    [InlineData(0.25, "5/s path=/a/*", null)]
    [InlineData(1, null, null)]
    public async Task Undecided_Recorded_LeavesWithTheThresholdOfWhatDecided(double ratio, string? rule, string? member)
    {
        await using var service = await StartAsync(rule is null ? [] : [rule], o => o.Sampling.Ratio = ratio);
        var sent = (await CallAsync(service, $"b3: {Trace}-{Parent}"))["tracestate"];
        var span = (await service.StopAsync()).Server();

        Assert.Equal(member, span.TraceState);
        Assert.Equal(member is null ? [$"mesh=p:{sent![7..23]}"] : [$"mesh=p:{sent![7..23]}", member], sent.Split(','));
    }

    [Fact]
    public async Task Undecided_NotRecorded_LeavesWithoutAThreshold()
    {
        await using var service = await StartAsync([], o => o.Sampling.Ratio = 0.1);
        var answer = await CallAsync(service, $"b3: {Trace}-{Parent}");

        Assert.DoesNotContain("ot=", answer["tracestate"], StringComparison.Ordinal);
        Assert.EndsWith("-00", answer["traceparent"], StringComparison.Ordinal);
        Assert.Empty(await service.StopAsync());
    }

    [Theory]
    [InlineData("ot=th:c;x:1,foo=1", "ot=th:c;x:1,foo=1")]
    [InlineData("foo=1,ot=th:e666", "foo=1")]
    [InlineData("ot=th:e666;rv:ffffffffffffff", "ot=th:e666;rv:ffffffffffffff")]
    [InlineData("ot=th:C,foo=1", "foo=1")]
    public async Task Caller_Sampled_ThresholdGoesOnIfItCanBeRight(string traceState, string? expected)
    {
        await using var service = await StartAsync([], o => o.Sampling.Ratio = 0.5);
        await service.GetAsync("/a/1", $"traceparent: 00-{Trace}-{Parent}-01", $"tracestate: {traceState}");

        Assert.Equal(expected, (await service.StopAsync()).Server().TraceState);
    }

    [Theory]
    [InlineData("ot=th:0;x:1,foo=1", "ot=th:c;x:1,foo=1", 0.25)]
    [InlineData("foo=1", "ot=th:c,foo=1", 0.25)]
    [InlineData("ot=th:8,foo=1", "ot=th:0,foo=1", 1)]
    public async Task Caller_NotFollowed_ThresholdIsOurs(string traceState, string expected, double ratio)
    {
        await using var service = await StartAsync([], o => (o.Sampling.Ratio, o.Sampling.FollowParentDecision) = (ratio, false));
        await service.GetAsync("/a/1", $"traceparent: 00-{Trace}-{Parent}-01", $"tracestate: {traceState}");

        Assert.Equal(expected, (await service.StopAsync()).Server().TraceState);
    }

    [Fact]
    public async Task Root_HalfOfTheTraces_CarryTheThresholdOfTheRatio()
    {
        await using var service = await StartAsync([], o => o.Sampling.Ratio = 0.5);
        for (var i = 0; i < 40; i++) await service.GetAsync("/a/1");
        var spans = await service.StopAsync();

        Assert.NotEmpty(spans);
        Assert.All(spans, s => Assert.Equal(("ot=th:8", true), (s.TraceState, s.TraceId[18] >= '8')));
    }

    private static Task<TestService> StartAsync(string[] rules, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null) => TestService.StartAsync(
        app =>
        {
            app.MapGet("/a/{id}", (string id) => id);
            app.MapGet("/b/{id}", (string id) => id);
            app.MapGet("/a/call", async (IHttpClientFactory clients) => await clients.CreateClient("stub").GetStringAsync("http://inner/"));
        },
        o =>
        {
            foreach (var rule in rules) o.Sampling.Rules.Add(SamplingRule.Parse(rule));
            options?.Invoke(o);
        },
        b =>
        {
            var stub = new StubHandler();
            b.Services.AddSingleton(stub).AddHttpClient("stub").ConfigurePrimaryHttpMessageHandler(() => stub);
            build?.Invoke(b);
        });

    private static async Task<IReadOnlyDictionary<string, string>> CallAsync(TestService service, string header)
    {
        await service.GetAsync("/a/call", header);
        return Assert.Single(service.Services.GetRequiredService<StubHandler>().Sent);
    }
}
