using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>
/// An id that leaves with sampled=1, and every parent, is the id of an exported span or the one that came in. An id that leaves with
/// sampled=0 is this hop's own, unless the caller's span is exported.
/// </summary>
[Collection(Alone.Name)]
public sealed class PhantomParentTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string RemoteId = "b7ad6b7169203331";
    private const string QuietSource = "Quiet.PhantomParentTests";
    private const string LoudSource = "Loud.PhantomParentTests";

    private static readonly ActivitySource Quiet = new(QuietSource);
    private static readonly ActivitySource Loud = new(LoudSource);

    public static TheoryData<string> Nestings => ["", "bare", "quiet", "loud", "bare,loud", "loud,bare", "bare,bare", "quiet,loud,quiet", "loud,quiet,bare,loud,bare"];

    public static TheoryData<string, string> IgnoredAndNesting
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var ignored in new[] { "", "System.Net.Http", "Microsoft.AspNetCore", "Microsoft.AspNetCore,System.Net.Http" })
            {
                foreach (var nesting in Nestings) data.Add(ignored, nesting);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(IgnoredAndNesting))]
    public async Task Call_SampledTrace_NamesOnlyWhatIsExported(string ignored, string nesting)
    {
        var (spans, sent) = await CallAsync(ignored, nesting, $"traceparent: 00-{TraceId}-{RemoteId}-01");

        var known = spans.Select(s => (string?)s.SpanId).Append(RemoteId).ToHashSet();
        Assert.All(spans, s => Assert.Contains(s.ParentId, known));
        Assert.All(spans, s => Assert.Equal(TraceId, s.TraceId));
        Assert.Contains(sent["X-B3-SpanId"], known);
        Assert.Equal("1", sent["X-B3-Sampled"]);
        // The innermost exported span.
        var leaves = spans.Select(s => s.SpanId).Except(spans.Select(s => s.ParentId)).ToList();
        Assert.Equal(leaves.Count == 0 ? RemoteId : Assert.Single(leaves), sent["X-B3-SpanId"]);
        Assert.Equal($"00-{TraceId}-{sent["X-B3-SpanId"]}-01", sent["traceparent"]);
    }

    [Theory]
    [MemberData(nameof(IgnoredAndNesting))]
    public async Task Call_UnsampledTrace_NamesThisHop(string ignored, string nesting)
    {
        var (spans, sent) = await CallAsync(ignored, nesting, $"traceparent: 00-{TraceId}-{RemoteId}-00");

        Assert.Empty(spans);
        AssertOwnHop(sent);
    }

    [Theory]
    [InlineData($"traceparent: 00-{TraceId}-{RemoteId}-02", "02")]
    [InlineData($"traceparent: 00-{TraceId}-{RemoteId}-08", "00")]
    [InlineData($"traceparent: 00-{TraceId}-{RemoteId}-fe", "02")]
    [InlineData($"b3: {TraceId}-{RemoteId}-0", "00")]
    [InlineData($"b3: {TraceId}-{RemoteId}-0-05e3ac9a4f6e3b90", "00")]
    [InlineData($"X-B3-TraceId: {TraceId}|X-B3-SpanId: {RemoteId}|X-B3-Sampled: 0", "00")]
    public async Task Call_CallerDeniesInAnyFormat_NamesThisHop(string headers, string flags)
    {
        foreach (var ignored in new[] { "", "Microsoft.AspNetCore", "Microsoft.AspNetCore,System.Net.Http" })
        {
            var (spans, sent) = await CallAsync(ignored, "", headers.Split('|'));

            Assert.Empty(spans);
            AssertOwnHop(sent, flags);
        }
    }

    [Theory]
    [InlineData($"b3: {TraceId}-{RemoteId}")]
    [InlineData($"X-B3-TraceId: {TraceId}|X-B3-SpanId: {RemoteId}")]
    public async Task Call_DeferredAndRefusedHere_NamesThisHop(string headers)
    {
        var (spans, sent) = await CallAsync(o => o.Sampling.Ratio = 0, "", "loud", headers.Split('|'));

        Assert.Empty(spans);
        AssertOwnHop(sent);
    }

    [Theory]
    [InlineData($"traceparent: 00-{TraceId}-{RemoteId}-01")]
    [InlineData($"b3: {TraceId}-{RemoteId}-1")]
    [InlineData($"b3: {TraceId}-{RemoteId}-d")]
    public async Task Call_SampledTraceRefusedHere_NamesTheCallersSpan(string headers)
    {
        var (spans, sent) = await CallAsync(
            o =>
            {
                o.Sampling.Ratio = 0;
                o.Trust.Default = TraceTrust.TrustIdsOnly;
            },
            "", "loud", headers);

        Assert.Empty(spans);
        Assert.Equal((TraceId, RemoteId, "0"), (sent["X-B3-TraceId"], sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        Assert.Equal($"00-{TraceId}-{RemoteId}-00", sent["traceparent"]);
        Assert.Null(sent["X-B3-Flags"]);
    }

    [Fact]
    public async Task Call_SampledCallerNotFollowed_NamesTheCallersSpan()
    {
        var (spans, sent) = await CallAsync(
            o =>
            {
                o.Sampling.Ratio = 0;
                o.Sampling.FollowParentDecision = false;
            },
            "", "loud", $"traceparent: 00-{TraceId}-{RemoteId}-01");

        Assert.Empty(spans);
        Assert.Equal($"00-{TraceId}-{RemoteId}-00", sent["traceparent"]);
    }

    [Fact]
    public async Task Call_UnsampledAndNoActivityAtAll_NamesThisHop()
    {
        using var stub = new StubHandler();
        await Traced.RunAsync(
            async _ =>
            {
                Activity.Current = null;
                using var client = new HttpClient(new Tracing.Sdk.Http.MeshTracingHandler(stub));
                for (var i = 0; i < 2; i++) (await client.GetAsync(new Uri("http://data/"))).Dispose();
            },
            o =>
            {
                o.Ignore.Sources.Add("Microsoft.AspNetCore");
                o.Ignore.Sources.Add("System.Net.Http");
            },
            headers: $"traceparent: 00-{TraceId}-{RemoteId}-00");

        Assert.Equal(2, stub.Sent.Count);
        Assert.All(stub.Sent, s => Assert.Equal((TraceId, "0"), (s["X-B3-TraceId"], s["X-B3-Sampled"])));
        Assert.All(stub.Sent, s => Assert.NotEqual(RemoteId, s["X-B3-SpanId"]));
    }

    [Theory]
    [MemberData(nameof(IgnoredAndNesting))]
    public async Task Call_NewTrace_NamesOnlyWhatIsExported(string ignored, string nesting)
    {
        var (spans, sent) = await CallAsync(ignored, nesting);

        var known = spans.Select(s => (string?)s.SpanId).ToHashSet();
        Assert.All(spans, s => Assert.True(s.ParentId is null || known.Contains(s.ParentId)));
        if (sent["X-B3-Sampled"] == "1") Assert.Contains(sent["X-B3-SpanId"], known);
        else Assert.Empty(spans);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", "bare,loud")]
    [InlineData("Microsoft.AspNetCore", "")]
    [InlineData("Microsoft.AspNetCore", "bare,loud")]
    public async Task Call_DenyWithoutIds_IsDenied(string ignored, string nesting)
    {
        var (spans, sent) = await CallAsync(ignored, nesting, "b3: 0");

        Assert.Empty(spans);
        Assert.Equal("0", sent["X-B3-Sampled"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Microsoft.AspNetCore")]
    public async Task Call_Defer_IsDecidedHere(string ignored)
    {
        var (spans, sent) = await CallAsync(ignored, "loud", $"b3: {TraceId}-{RemoteId}");

        Assert.Equal("1", sent["X-B3-Sampled"]);
        Assert.Single(spans, s => s.ParentId == RemoteId);
        Assert.Equal(spans.Client().SpanId, sent["X-B3-SpanId"]);
        Assert.All(spans, s => Assert.Null(s.TraceState));
    }

    [Theory]
    [MemberData(nameof(Nestings))]
    public async Task Call_OtherListenerRecordsEverything_UnsampledStaysUnsampled(string nesting)
    {
        using var listener = RecordOf(TraceId);
        var (spans, sent) = await CallAsync("", nesting, $"traceparent: 00-{TraceId}-{RemoteId}-00");

        Assert.Empty(spans);
        AssertOwnHop(sent);
    }

    [Theory]
    [MemberData(nameof(Nestings))]
    public async Task Call_OtherListenerRecordsEverything_SampledIsExported(string nesting)
    {
        using var listener = RecordOf(TraceId);
        var (spans, sent) = await CallAsync("", nesting, $"traceparent: 00-{TraceId}-{RemoteId}-01");

        var known = spans.Select(s => (string?)s.SpanId).Append(RemoteId).ToHashSet();
        Assert.All(spans, s => Assert.Contains(s.ParentId, known));
        Assert.Equal(spans.Client().SpanId, sent["X-B3-SpanId"]);
        Assert.DoesNotContain(spans, s => s.Name == "quiet");
        Assert.Equal(2 + nesting.Split(',').Count(n => n == "loud"), spans.Count);
    }

    [Theory]
    [MemberData(nameof(IgnoredAndNesting))]
    public async Task Call_OtherListenerOnlyPropagates_SampledStaysSampled(string ignored, string nesting)
    {
        // The other listener makes hosting create an Activity that is not recorded, without a call of this library's sampler.
        using var listener = ListenTo(TraceId, ActivitySamplingResult.PropagationData);
        var (spans, sent) = await CallAsync(ignored, nesting, $"traceparent: 00-{TraceId}-{RemoteId}-01");

        var known = spans.Select(s => (string?)s.SpanId).Append(RemoteId).ToHashSet();
        Assert.All(spans, s => Assert.Contains(s.ParentId, known));
        Assert.Equal("1", sent["X-B3-Sampled"]);
        Assert.Contains(sent["X-B3-SpanId"], known);
        Assert.Equal(nesting.Split(',').Count(n => n == "loud"), spans.Count(s => s.Name == "loud"));
    }

    [Fact]
    public async Task Call_ExplicitUnsampledParent_StaysOutOfTheRecord()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", async () =>
        {
            var stored = new ActivityContext(ActivityTraceId.CreateFromString(TraceId), ActivitySpanId.CreateFromString(RemoteId), ActivityTraceFlags.None);
            Assert.Null(Loud.StartActivity("resumed", ActivityKind.Internal, stored));
            using var client = new HttpClient();
            using var response = await client.GetAsync(server.Address);
        }));
        Assert.Equal(200, (await service.GetAsync("/")).Status);

        Assert.DoesNotContain(await service.StopAsync(), s => s.Name == "resumed");
    }

    [Fact]
    public async Task Call_TwoHostsInOneProcess_EachExportsItsOwn()
    {
        await using var inner = await TestService.StartAsync(app => app.MapGet("/inner", () => "ok"), o => o.ServiceName = "inner");
        await using var outer = await TestService.StartAsync(
            app => app.MapGet("/outer", async () =>
            {
                using var client = new HttpClient();
                return await client.GetStringAsync(new Uri(inner.Address, "/inner"));
            }),
            o => o.ServiceName = "outer");
        Assert.Equal(200, (await outer.GetAsync("/outer")).Status);
        var outerSpans = await outer.StopAsync();
        var innerSpans = await inner.StopAsync();

        Assert.Equal(["GET", "GET /outer"], outerSpans.Select(s => s.Name));
        Assert.Equal(["GET /inner"], innerSpans.Select(s => s.Name));
        Assert.Equal(outerSpans.Client().SpanId, innerSpans.Server().ParentId);
        Assert.Equal(outerSpans.Client().TraceId, innerSpans.Server().TraceId);
    }

    [Fact]
    public async Task Call_BackgroundWorkOfARequest_BelongsToItsHost()
    {
        await using var server = new WireServer();
        var release = new TaskCompletionSource();
        var background = Task.CompletedTask;
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () =>
        {
            background = Task.Run(async () =>
            {
                await release.Task;
                using var client = new HttpClient();
                using var response = await client.GetAsync(server.Address);
            });
        }));
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{RemoteId}-01", "x-request-id: abc");
        release.SetResult();
        await background;
        var spans = await service.StopAsync();

        Assert.Equal(spans.Server().SpanId, spans.Client().ParentId);
        Assert.Equal(spans.Client().SpanId, server.Request["X-B3-SpanId"]);
        Assert.Equal("abc", server.Request["x-request-id"]);
    }

    private static void AssertOwnHop(WireMessage sent, string flags = "00")
    {
        var spanId = sent["X-B3-SpanId"]!;
        Assert.Matches("^[0-9a-f]{16}$", spanId);
        Assert.NotEqual(RemoteId, spanId);
        Assert.Equal((TraceId, "0"), (sent["X-B3-TraceId"], sent["X-B3-Sampled"]));
        Assert.Equal($"00-{TraceId}-{spanId}-{flags}", sent["traceparent"]);
        Assert.Equal($"mesh=p:{spanId}", sent["tracestate"]);
    }

    private static Task<(IReadOnlyList<Span> Spans, WireMessage Sent)> CallAsync(string ignored, string nesting, params string[] headers) =>
        CallAsync(_ => { }, ignored, nesting, headers);

    private static async Task<(IReadOnlyList<Span> Spans, WireMessage Sent)> CallAsync(
        Action<MeshTracingOptions> options, string ignored, string nesting, params string[] headers)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                var open = new Stack<Activity?>();
                foreach (var kind in nesting.Split(',', StringSplitOptions.RemoveEmptyEntries))
                {
                    open.Push(kind switch
                    {
                        "bare" => new Activity("bare").Start(),
                        "quiet" => Quiet.StartActivity("quiet"),
                        _ => Loud.StartActivity("loud"),
                    });
                }

                using var client = new HttpClient();
                using var response = await client.GetAsync(server.Address);
                while (open.TryPop(out var activity)) activity?.Dispose();
            }),
            o =>
            {
                options(o);
                o.Ignore.Sources.Add(QuietSource);
                foreach (var name in ignored.Split(',', StringSplitOptions.RemoveEmptyEntries)) o.Ignore.Sources.Add(name);
            });
        Assert.Equal(200, (await service.GetAsync("/", headers)).Status);
        var spans = await service.StopAsync();
        // The server span is ignored, so the trace is known only by the headers that went out.
        spans = [.. service.Sink.Spans.Where(s => s.TraceId == server.Request["X-B3-TraceId"])];
        return (spans, server.Request);
    }

    // Only of one trace: other tests run at the same time.
    private static ActivityListener RecordOf(string traceId) => ListenTo(traceId, ActivitySamplingResult.AllDataAndRecorded);

    private static ActivityListener ListenTo(string traceId, ActivitySamplingResult result)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref options) => options.Parent.TraceId.ToHexString() == traceId ? result : ActivitySamplingResult.None,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
