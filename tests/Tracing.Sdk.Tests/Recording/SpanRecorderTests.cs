using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Spans outside of any request, in a process without a host.</summary>
[Collection(Alone.Name)]
public sealed class SpanRecorderTests
{
    [Fact]
    public void Span_WithNothingConfigured_IsRecorded()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        source.StartActivity("import", ActivityKind.Producer)!.Dispose();
        tracing.Dispose();

        var span = Assert.Single(sink.Spans);
        Assert.Equal(("import", "Orders", "producer"), (span.Name, span.Scope, span.Kind));
        Assert.Null(span.ParentId);
        Assert.Equal(3, span.Flags & 0xFF);
    }

    [Fact]
    public void Span_Child_HasItsParent()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        using (source.StartActivity("outer"))
        {
            source.StartActivity("inner")!.Dispose();
        }

        tracing.Dispose();
        Assert.Equal(["inner", "outer"], sink.Spans.Select(s => s.Name));
        Assert.Equal(sink.Spans[1].SpanId, sink.Spans[0].ParentId);
        Assert.Equal(sink.Spans[1].TraceId, sink.Spans[0].TraceId);
    }

    [Fact]
    public void Span_ExperimentalSource_IsNotRecorded()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Experimental.System.Net.Http.Connections");
        Assert.Null(source.StartActivity("connection_setup"));
        tracing.Dispose();

        Assert.Empty(sink.Spans);
    }

    [Theory]
    [InlineData("Shop", false)]
    [InlineData("Shop.Orders", true)]
    [InlineData("shop.orders.import", true)]
    [InlineData("Other", false)]
    [InlineData("Shop.Secret", false)]
    public void Span_SourcePatterns_DecideByName(string name, bool recorded)
    {
        var (sink, tracing) = Start(o =>
        {
            o.Sources.Clear();
            o.Sources.Add("Shop.*");
            o.Ignore.Sources.Add("Shop.Secret");
        });
        using var source = new ActivitySource(name);
        source.StartActivity("work")?.Dispose();
        tracing.Dispose();

        Assert.Equal(recorded, sink.Spans.Count == 1);
    }

    [Fact]
    public void Sampler_HalfOfTheTraces_ArePreciselyThoseWhoseIdSaysSo()
    {
        var (sink, tracing) = Start(o => o.Sampling.Ratio = 0.5);
        using var source = new ActivitySource("Orders");
        var traces = new List<string>();
        for (var i = 0; i < 200; i++)
        {
            using var activity = source.StartActivity("work")!;
            traces.Add(activity.TraceId.ToHexString());
        }

        tracing.Dispose();
        // The right-most 56 bits reach the threshold.
        var expected = traces.Where(t => ulong.Parse(t.AsSpan(18), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) >= 1UL << 55);
        Assert.Equal(expected, sink.Spans.Select(s => s.TraceId));
        Assert.NotEmpty(sink.Spans);
    }

    [Fact]
    public void Sampler_RefusedRoot_HasNoRecordedChildren()
    {
        var (sink, tracing) = Start(o => o.Sampling.Ratio = 0);
        using var source = new ActivitySource("Orders");
        using (var root = source.StartActivity("outer"))
        {
            Assert.False(root!.Recorded);
            Assert.False(root.IsAllDataRequested);
            Assert.Null(source.StartActivity("inner"));
        }

        tracing.Dispose();
        Assert.Empty(sink.Spans);
    }

    [Theory]
    [InlineData(true, "00", 0)]
    [InlineData(true, "01", 1)]
    [InlineData(false, "00", 1)]
    [InlineData(false, "01", 1)]
    public void Sampler_RemoteParent_CountsOnlyIfFollowed(bool follow, string flags, int recorded)
    {
        var (sink, tracing) = Start(o => o.Sampling.FollowParentDecision = follow);
        using var source = new ActivitySource("Orders");
        var parent = ActivityContext.Parse($"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}", null);
        source.StartActivity("work", ActivityKind.Consumer, new ActivityContext(parent.TraceId, parent.SpanId, parent.TraceFlags, null, isRemote: true))?.Dispose();
        tracing.Dispose();

        Assert.Equal(recorded, sink.Spans.Count);
    }

    [Fact]
    public void Span_StartTimeOfLongAgo_IsRecorded()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        source.StartActivity("late news", ActivityKind.Internal, default(ActivityContext), startTime: DateTimeOffset.UnixEpoch.AddYears(40))!.Dispose();
        tracing.Dispose();

        Assert.Equal("late news", Assert.Single(sink.Spans).Name);
    }

    [Fact]
    public void Span_StartedBeforeTheTracing_IsNotExported()
    {
        using var listener = RecordEverything();
        using var source = new ActivitySource("Orders");
        var early = source.StartActivity("early")!;
        var (sink, tracing) = Start();
        early.Dispose();
        tracing.Dispose();

        Assert.Empty(sink.Spans);
    }

    [Fact]
    public void OtherListener_WantsARefusedSpan_ChangesNothing()
    {
        using var listener = RecordEverything();
        var (sink, tracing) = Start(o => o.Sampling.Ratio = 0);
        using var source = new ActivitySource("Orders");
        using (source.StartActivity("outer"))
        using (var between = new Activity("bare").Start())
        {
            using var inner = source.StartActivity("inner");
            Assert.True(inner!.Recorded);
        }

        tracing.Dispose();
        Assert.Empty(sink.Spans);
    }

    [Fact]
    public void OtherListener_WantsASpanThatTwoTracingsRefuse_ChangesNothing()
    {
        using var listener = RecordEverything();
        var (first, firstTracing) = Start(o => o.Sampling.Ratio = 0);
        var (second, secondTracing) = Start(o => o.Sampling.Ratio = 0);
        using var source = new ActivitySource("Orders");
        using (source.StartActivity("outer"))
        {
            source.StartActivity("inner")!.Dispose();
        }

        firstTracing.Dispose();
        secondTracing.Dispose();
        Assert.Empty(first.Spans);
        Assert.Empty(second.Spans);
    }

    [Fact]
    public void OtherListener_WantsASpanThatOneOfTwoTracingsRefuses_OnlyTheOtherExports()
    {
        var (refusing, refusingTracing) = Start(o => o.Sampling.Ratio = 0);
        var (taking, takingTracing) = Start();
        using var source = new ActivitySource("Orders");
        using (source.StartActivity("outer"))
        {
            source.StartActivity("inner")!.Dispose();
        }

        refusingTracing.Dispose();
        takingTracing.Dispose();
        Assert.Empty(refusing.Spans);
        Assert.Equal(2, taking.Spans.Count);
    }

    [Fact]
    public void OtherListener_WantsLess_ChangesNothing()
    {
        using var listener = Listen(ActivitySamplingResult.PropagationData);
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        source.StartActivity("work")!.Dispose();
        tracing.Dispose();

        Assert.Single(sink.Spans);
    }

    [Fact]
    public void Dispose_Twice_IsHarmless()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        source.StartActivity("work")!.Dispose();
        tracing.Dispose();
        tracing.Dispose();

        Assert.Single(sink.Spans);
    }

    [Fact]
    public void Dispose_SpanStillOpen_IsNoErrorLater()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        var open = source.StartActivity("open")!;
        tracing.Dispose();
        open.Dispose();

        Assert.Empty(sink.Spans);
    }

    [Fact]
    public async Task DisposeAsync_SendsWhatIsLeft()
    {
        var (sink, tracing) = Start();
        using var source = new ActivitySource("Orders");
        source.StartActivity("work")!.Dispose();
        await tracing.DisposeAsync();

        Assert.Single(sink.Spans);
    }

    [Fact]
    public void Start_ExportersNone_CountsSpans()
    {
        var (sink, tracing) = Start(o =>
        {
            o.Export.Exporters.Clear();
            o.Export.Exporters.Add("none");
        });
        using var source = new ActivitySource("Orders");
        source.StartActivity("work")!.Dispose();
        tracing.Dispose();

        Assert.Empty(sink.Requests);
    }

    [Fact]
    public void Resource_NamesTheServiceAndTheSdk()
    {
        var (sink, tracing) = Start(o =>
        {
            o.ServiceName = "import-job";
            o.ResourceAttributes["team"] = "shop";
        });
        using var source = new ActivitySource("Orders");
        source.StartActivity("work")!.Dispose();
        tracing.Dispose();

        Assert.Equal("import-job", sink.Resource["service.name"]);
        Assert.Equal("shop", sink.Resource["team"]);
        Assert.Equal("Tracing.Sdk", sink.Resource["telemetry.sdk.name"]);
        Assert.Equal("dotnet", sink.Resource["telemetry.sdk.language"]);
        Assert.NotEqual("", sink.Resource["telemetry.sdk.version"]);
        Assert.True(Guid.TryParse((string)sink.Resource["service.instance.id"], out _));
    }

    private static (SpanSink Sink, MeshTracing Tracing) Start(Action<MeshTracingOptions>? configure = null)
    {
        var sink = new SpanSink();
        var tracing = MeshTracing.Start(o =>
        {
            TestService.ExportTo(sink, o);
            configure?.Invoke(o);
        });
        return (sink, tracing);
    }

    private static ActivityListener RecordEverything() => Listen(ActivitySamplingResult.AllDataAndRecorded);

    private static ActivityListener Listen(ActivitySamplingResult result)
    {
        var listener = new ActivityListener { ShouldListenTo = _ => true, Sample = (ref _) => result };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
