using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Spans whose sampled flag user code clears while they run, which is OpenTelemetry's way to leave a span out.</summary>
[Collection(Alone.Name)]
public sealed class FilteredSpanTests
{
    private static readonly ActivitySource Orders = new("Orders.FilteredSpanTests");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_FlagClearedByMiddleware_IsCountedAsLeftOut(bool alsoItsData)
    {
        await using var service = await StartAsync(() => Clear(Activity.Current!, alsoItsData));
        await service.GetAsync("/ping");
        await service.GetAsync("/ping");
        await service.GetAsync("/");
        Assert.Equal(0, TracedProcess.Read("otel.sdk.span.live"));
        Assert.Equal(2, TracedProcess.Read("tracing.sdk.span.left_out"));
        await service.StopAsync();

        Assert.Equal(["GET /{**path}"], service.Sink.Spans.Select(s => s.Name));
        Assert.Equal("3 spans started, 1 exported, 0 dropped, 2 left out", LastLine(service));
    }

    [Fact]
    public async Task Request_FlagCleared_LastLineIsNoWarning()
    {
        await using var service = await StartAsync(() => Clear(Activity.Current!, alsoItsData: false));
        await service.GetAsync("/ping");
        await service.StopAsync();

        var line = service.Log.Lines.Single(l => l.Message.StartsWith("Tracing stopped", StringComparison.Ordinal));
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Information, line.Level);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_FlagClearedAmongRefusedOnes_IsCountedAsLeftOut(bool alsoItsData)
    {
        await using var service = await StartAsync(() => Clear(Activity.Current!, alsoItsData));
        await service.GetAsync("/", "b3: 0");
        await service.GetAsync("/ping");
        await service.GetAsync("/", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        await service.GetAsync("/ping", "b3: 0");
        await service.StopAsync();

        Assert.Empty(service.Sink.Spans);
        Assert.Equal("1 spans started, 0 exported, 0 dropped, 1 left out", LastLine(service));
    }

    [Fact]
    public void Span_ClearedInMidFlight_HasNoChildrenFromThenOn()
    {
        using var process = new TracedProcess();
        using (var outer = Orders.StartActivity("outer")!)
        {
            using (var filtered = Orders.StartActivity("filtered")!)
            {
                Orders.StartActivity("before")!.Dispose();
                Clear(filtered, alsoItsData: false);
                Assert.Null(Orders.StartActivity("after"));
            }

            Orders.StartActivity("next")!.Dispose();
        }

        Assert.Equal(["before", "next", "outer"], process.Stop().Select(s => s.Name));
        Assert.Equal("4 spans started, 3 exported, 0 dropped, 1 left out", process.LastLine);
    }

    [Fact]
    public void Span_ClearedBeforeItsChildEnds_IsPassedOverAsParent()
    {
        using var process = new TracedProcess();
        using (Orders.StartActivity("outer"))
        using (var filtered = Orders.StartActivity("filtered")!)
        using (Orders.StartActivity("inner"))
        {
            Clear(filtered, alsoItsData: true);
        }

        var spans = process.Stop();
        Assert.Equal(["inner", "outer"], spans.Select(s => s.Name));
        Assert.Equal(spans[1].SpanId, spans[0].ParentId);
        Assert.Equal("3 spans started, 2 exported, 0 dropped, 1 left out", process.LastLine);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Span_ClearedAndSetAgain_IsExported(bool alsoItsData)
    {
        using var process = new TracedProcess();
        using (var span = Orders.StartActivity("work")!)
        {
            Clear(span, alsoItsData);
            span.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
            span.IsAllDataRequested = true;
        }

        Assert.Equal("work", Assert.Single(process.Stop()).Name);
        Assert.Equal("1 spans started, 1 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Span_RefusedAndSetByUserCode_IsInTheBalance()
    {
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0);
        using (var span = Orders.StartActivity("work")!)
        {
            span.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
            span.IsAllDataRequested = true;
        }

        Assert.Equal("work", Assert.Single(process.Stop()).Name);
        Assert.Equal("1 spans started, 1 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Span_RefusedAndHeardByAnotherListener_IsNotLeftOut()
    {
        using var listener = new ActivityListener { ShouldListenTo = s => s == Orders, Sample = (ref _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(listener);
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0);
        Orders.StartActivity("work")!.Dispose();
        process.Stop();

        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Span_OfAnotherListenerThatClearsIt_IsNotCounted()
    {
        using var listener = new ActivityListener { ShouldListenTo = s => s == Orders, Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded };
        ActivitySource.AddActivityListener(listener);
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0);
        using (var span = Orders.StartActivity("work")!) Clear(span, alsoItsData: false);
        process.Stop();

        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Span_StartedBeforeTheTracingAndUnsampled_IsNotCounted()
    {
        using var listener = new ActivityListener { ShouldListenTo = s => s == Orders, Sample = (ref _) => ActivitySamplingResult.PropagationData };
        ActivitySource.AddActivityListener(listener);
        var early = Orders.StartActivity("early")!;
        using var process = new TracedProcess();
        early.Dispose();
        process.Stop();

        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Live_RefusedSpansRun_NeverCountsThem()
    {
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0);
        using (Orders.StartActivity("refused"))
        {
            Assert.Equal(0, TracedProcess.Read("otel.sdk.span.live"));
        }

        Assert.Equal(0, TracedProcess.Read("otel.sdk.span.live"));
        Assert.Equal(0, TracedProcess.Read("tracing.sdk.span.left_out"));
    }

    private static Task<TestService> StartAsync(Action leaveOut) => TestService.StartAsync(app =>
    {
        app.Use((context, next) =>
        {
            if (context.Request.Path == "/ping") leaveOut();
            return next(context);
        });
        app.MapGet("/{**path}", () => Results.Ok());
    });

    private static void Clear(Activity activity, bool alsoItsData)
    {
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        if (alsoItsData) activity.IsAllDataRequested = false;
    }

    private static string LastLine(TestService service) => service.Log.SpansOfLastLine;
}
