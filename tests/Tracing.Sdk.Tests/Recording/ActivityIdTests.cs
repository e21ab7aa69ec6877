using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Activities without W3C ids, which old applications still make, reach neither a collector nor a header.</summary>
[Collection(Alone.Name)]
public sealed class ActivityIdTests : IDisposable
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private static readonly ActivitySource Orders = new("Orders.ActivityIdTests");

    public static TheoryData<string> Broken => ["hierarchical", "no trace id", "parent without trace id"];

    public void Dispose()
    {
        (Activity.DefaultIdFormat, Activity.ForceDefaultIdFormat) = (ActivityIdFormat.W3C, false);
    }

    [Fact]
    public void DefaultIdFormat_HierarchicalBeforeTheStart_IsW3CFromThenOn()
    {
        Activity.DefaultIdFormat = ActivityIdFormat.Hierarchical;
        using var process = new TracedProcess();
        Orders.StartActivity("work")!.Dispose();

        var span = Assert.Single(process.Stop());
        Assert.NotEqual(new string('0', 32), span.TraceId);
    }

    [Fact]
    public void DefaultIdFormat_HierarchicalBetweenRegistrationAndStart_IsW3CFromThenOn()
    {
        var services = new ServiceCollection().AddMeshTracing(o => TestService.ExportTo(new SpanSink(), o));
        Assert.True(Activity.ForceDefaultIdFormat);
        Activity.DefaultIdFormat = ActivityIdFormat.Hierarchical;
        using var provider = services.BuildServiceProvider();
        _ = provider.GetRequiredService<MeshTracing>();

        Assert.Equal(ActivityIdFormat.W3C, Activity.DefaultIdFormat);
    }

    [Fact]
    public void Span_BelowAHierarchicalActivity_IsATraceOfItsOwn()
    {
        using var process = new TracedProcess();
        using (new Activity("old").SetIdFormat(ActivityIdFormat.Hierarchical).Start())
        {
            Orders.StartActivity("work")!.Dispose();
        }

        var span = Assert.Single(process.Stop());
        Assert.Equal(("work", null), (span.Name, span.ParentId));
        Assert.NotEqual(new string('0', 32), span.TraceId);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Span_HierarchicalActivityBetween_NamesNoParentOfAnotherTrace(bool withBare)
    {
        using var process = new TracedProcess();
        using (Orders.StartActivity("outer"))
        using (new Activity("old").SetIdFormat(ActivityIdFormat.Hierarchical).Start())
        using (withBare ? new Activity("bare").Start() : null)
        {
            Orders.StartActivity("inner")!.Dispose();
        }

        var spans = process.Stop();
        Assert.Equal(["inner", "outer"], spans.Select(s => s.Name));
        Assert.NotEqual(spans[0].TraceId, spans[1].TraceId);
        if (!withBare) Assert.Null(spans[0].ParentId);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void Span_WithoutW3CIds_IsNeitherRecordedNorCounted(string kind)
    {
        using var process = new TracedProcess();
        using (StartBroken(kind))
        {
            Orders.StartActivity("inner")?.Dispose();
        }

        Orders.StartActivity("work")!.Dispose();
        var spans = process.Stop();
        Assert.DoesNotContain(spans, s => s.Name == "broken");
        Assert.All(spans, s => Assert.NotEqual(new string('0', 32), s.TraceId));
        Assert.All(spans, s => Assert.Null(s.ParentId));
        Assert.Equal($"{spans.Count} spans started, {spans.Count} exported, 0 dropped", process.LastLine);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void Span_WithoutW3CIds_IsReportedOnce(string kind)
    {
        using var process = new TracedProcess();
        StartBroken(kind).Dispose();
        StartBroken(kind).Dispose();
        process.Stop();

        var warning = Assert.Single(process.Warnings);
        Assert.StartsWith("The activity \"broken\" of the source \"Orders.ActivityIdTests\" has no W3C trace id", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "old")]
    [InlineData("", "broken")]
    [InlineData("System.Net.Http", "old")]
    [InlineData("System.Net.Http", "broken")]
    public async Task Call_BelowAHierarchicalActivity_SendsAnExportedSpan(string ignored, string kind)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async () =>
            {
                using var activity = kind == "old" ? new Activity("old").SetIdFormat(ActivityIdFormat.Hierarchical).Start() : StartBroken("hierarchical");
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            }),
            o =>
            {
                if (ignored.Length > 0) o.Ignore.Sources.Add(ignored);
            });
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-01");
        await service.StopAsync();

        var known = service.Sink.Spans.Select(s => $"00-{s.TraceId}-{s.SpanId}-0").ToHashSet();
        Assert.Contains(server.Request["traceparent"]![..^1], known);
    }

    [Fact]
    public async Task Call_WithNothingButAHierarchicalActivity_SendsNoZeros()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => o.Ignore.Sources.Add("System.Net.Http"));
        using (new Activity("old").SetIdFormat(ActivityIdFormat.Hierarchical).Start())
        using (var client = new HttpClient())
        {
            (await client.GetAsync(server.Address)).Dispose();
        }

        Assert.DoesNotContain(server.Request.Headers, h => h.Value.Contains("0000000000000000", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Response_OfARequestWithAHierarchicalActivity_AnnouncesNoZeros()
    {
        await using var service = await TestService.StartAsync(
            app =>
            {
                app.Use((context, next) =>
                {
                    var old = new Activity("old").SetIdFormat(ActivityIdFormat.Hierarchical).Start();
                    context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpActivityFeature>()!.Activity = old;
                    return next(context);
                });
                app.MapGet("/", () => "ok");
            },
            o => o.Http.ResponseHeader = TraceResponseHeader.TraceId | TraceResponseHeader.ServerTiming);
        var response = await service.GetAsync("/");

        Assert.Equal((null, null), (response["x-trace-id"], response["server-timing"]));
    }

    [Fact]
    public void Link_WithoutIds_IsNotExported()
    {
        using var process = new TracedProcess();
        var valid = new ActivityContext(ActivityTraceId.CreateFromString(TraceId), ActivitySpanId.CreateFromString(SpanId), ActivityTraceFlags.Recorded);
        ActivityLink[] links = [new(default), new(valid), new(new ActivityContext(valid.TraceId, default, default)), new(new ActivityContext(default, valid.SpanId, default))];
        Orders.StartActivity("work", ActivityKind.Internal, parentContext: default, links: links)!.Dispose();

        Assert.Equal([$"{TraceId}-{SpanId}"], Assert.Single(process.Stop()).Links.Select(l => l.Name));
    }

    [Fact]
    public void Span_ParentHasNoSpanId_IsARoot()
    {
        using var process = new TracedProcess();
        var parent = new ActivityContext(ActivityTraceId.CreateFromString(TraceId), default, ActivityTraceFlags.Recorded);
        Orders.StartActivity("work", ActivityKind.Server, parent)!.Dispose();

        var span = Assert.Single(process.Stop());
        Assert.Equal((TraceId, null), (span.TraceId, span.ParentId));
    }

    [Theory]
    [InlineData("|abc.1.")]
    [InlineData("00-00000000000000000000000000000000-0000000000000000-01")]
    [InlineData("x")]
    public void Span_ParentIsNoW3CText_IsARoot(string parentId)
    {
        using var process = new TracedProcess();
        Orders.StartActivity("work", ActivityKind.Server, parentId)!.Dispose();

        var span = Assert.Single(process.Stop());
        Assert.Null(span.ParentId);
        Assert.NotEqual(new string('0', 32), span.TraceId);
    }

    private static Activity StartBroken(string kind)
    {
        var zero = default(ActivityTraceId);
        switch (kind)
        {
            case "hierarchical":
                return Orders.CreateActivity("broken", ActivityKind.Internal)!.SetIdFormat(ActivityIdFormat.Hierarchical).Start();
            case "no trace id":
                return Orders.CreateActivity("broken", ActivityKind.Internal)!.SetParentId(zero, default, ActivityTraceFlags.Recorded).Start();
            default:
                return Orders.StartActivity("broken", ActivityKind.Internal, new ActivityContext(zero, ActivitySpanId.CreateFromString(SpanId), ActivityTraceFlags.Recorded))!;
        }
    }
}
