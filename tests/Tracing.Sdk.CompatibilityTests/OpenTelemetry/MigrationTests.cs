using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.OpenTelemetry;

/// <summary>The tracing of OpenTelemetry and this library at once, as in the middle of a migration.</summary>
[WorksWith("OpenTelemetry.Instrumentation.AspNetCore", "the same trees as without it", SetUp = "remove it in the end: [in steps](migrating-from-opentelemetry.md#in-steps)", Name = "tracing of requests and calls")]
[WorksWith("OpenTelemetry.Instrumentation.Http", "the same trees as without it", SetUp = "remove it in the end: [in steps](migrating-from-opentelemetry.md#in-steps)", Name = "tracing of requests and calls")]
[WorksWith("OpenTelemetry.Instrumentation.GrpcNetClient", "the same trees as without it", SetUp = "remove it in the end: [in steps](migrating-from-opentelemetry.md#in-steps)", Name = "tracing of requests and calls")]
public sealed class MigrationTests
{
    private const string B3Sampled = $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-1";
    private const string B3Debug = $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-d";
    private const string B3Denied = $"b3: {TracedApp.TraceId}-{TracedApp.CallerId}-0";

    public static TheoryData<string, string> Combinations
    {
        get
        {
            var data = new TheoryData<string, string> { { "none", TracedApp.Sampled } };
            foreach (var setting in (string[])["default", "registered first", "AlwaysOn", "AlwaysOff", "ratio 0", "ParentBased(AlwaysOff)", "Filter", "Enrich"]) data.Add(setting, TracedApp.Sampled);
            foreach (var headers in (string[])[B3Sampled, B3Debug]) data.Add("default", headers);
            foreach (var headers in (string[])[B3Sampled, B3Debug]) data.Add("AlwaysOff", headers);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Combinations))]
    public async Task BothAtOnce_SampledRequest_HasTheTreeOfOursAlone(string setting, string headers)
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, setting);
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path, headers);
        var spans = await shop.StopAsync();

        Assert.Equal(SelfCaller.OneTreeOfEach, TraceOutline.Of(spans));
        // Each call names the span that is exported of it, in both formats.
        var clients = spans.Where(span => span.Kind == "CLIENT").Select(span => span.Id).Order();
        Assert.Equal(clients, shop.Received.Select(received => received["X-B3-SpanId"]).Order());
        Assert.All(shop.Received, received => Assert.Equal($"00-{TracedApp.TraceId}-{received["X-B3-SpanId"]}-01", received["traceparent"]));
        Assert.All(shop.Received, received => Assert.Equal((headers == B3Debug ? "1" : null, "1"), (received.GetValueOrDefault("X-B3-Flags"), received["X-B3-Sampled"])));
        Assert.Contains("12 spans started, 12 exported, 0 dropped", shop.App.Log.LastLine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("default", TracedApp.NotSampled)]
    [InlineData("AlwaysOn", TracedApp.NotSampled)]
    [InlineData("AlwaysOn", B3Denied)]
    public async Task BothAtOnce_UnsampledRequest_HasNoSpanAndSaysSo(string setting, string headers)
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, setting);
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path, headers);

        Assert.Empty(await shop.StopAsync());
        Assert.Equal(4, shop.Received.Count);
        Assert.All(shop.Received, received => Assert.Equal(("0", TracedApp.TraceId), (received["X-B3-Sampled"], received["X-B3-TraceId"])));
        Assert.All(shop.Received, received => Assert.EndsWith("-00", received["traceparent"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task BothAtOnce_TheOthersCollector_HasTheSameSpans()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, "default");
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path);
        var spans = await shop.StopAsync();
        await shop.DisposeAsync();

        // Beside those it has the request of each gRPC call as a span of its own.
        Assert.Empty(spans.Select(span => span.Id).Except(inbox.Spans.Select(span => span.Id)));
        Assert.Equal("POST", Assert.Single(inbox.Spans, span => spans.All(s => s.Id != span.Id)).Name);
    }

    [Fact]
    public async Task BothAtOnce_OurExports_AreNoSpansOfTheOther()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, "AlwaysOn");
        await shop.GetAsync("/factory");
        await shop.StopAsync();
        await shop.DisposeAsync();

        Assert.NotEmpty(inbox.Spans);
        Assert.DoesNotContain(inbox.Spans, span => span is { Kind: "CLIENT", Name: "POST" });
    }

    [Fact]
    public async Task BothAtOnce_NamesChosenInEnrich_AreKept()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, "Enrich with a name");
        await shop.GetAsync("/factory");

        Assert.Equal(
            """
            SERVER chosen
              CLIENT GET
                SERVER chosen
            """,
            TraceOutline.Of(await shop.StopAsync()));
    }

    [Fact]
    public async Task Processor_OfTheOther_ChangesOurSpansAtTheirStartOnly()
    {
        await using var shop = await SelfCaller.StartAsync(builder => builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddAspNetCoreInstrumentation().AddProcessor(new Tagging())));
        await shop.GetAsync("/factory");

        var spans = (await shop.StopAsync()).Where(span => span.Kind == "SERVER").ToList();
        Assert.Equal(2, spans.Count);
        Assert.All(spans, span => Assert.Equal(("1", null), (span.Tag("start"), span.Tag("end"))));
    }

    [Fact]
    public async Task Start_EachInstrumentation_IsNamedWithTheCallToRemove()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, "default");

        Assert.Equal(
            "OpenTelemetry traces requests, calls and gRPC calls in this process too (Microsoft.AspNetCore, System.Net.Http, Grpc.Net.Client), so each becomes two spans, in one backend or in two. "
            + "Remove AddAspNetCoreInstrumentation(), AddHttpClientInstrumentation() and AddGrpcClientInstrumentation() from WithTracing(). "
            + "Its metrics and logs can stay, and so can its instrumentation of databases.",
            Assert.Single(shop.App.Log.Warnings));
    }

    [Theory]
    [InlineData("an ignored request")]
    [InlineData("forward only")]
    public async Task BothAtOnce_NothingIsRecordedHere_CallsSendWhatCameIn(string setting)
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, "default", options =>
        {
            if (setting == "forward only") options.Mode = MeshTracingMode.Forward;
            else foreach (var path in SelfCaller.Paths) options.Ignore.Paths.Add(path);
        });
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path);

        // The requests that the calls are, are no ignored ones.
        Assert.DoesNotContain(await shop.StopAsync(), span => span.Kind != "SERVER" || SelfCaller.Paths.Contains(span.Tag("url.path")));
        Assert.Equal(4, shop.Received.Count);
        Assert.All(shop.Received, received => Assert.Equal([KeyValuePair.Create("traceparent", $"00-{TracedApp.TraceId}-{TracedApp.CallerId}-01")], received));
    }

    [Fact]
    public async Task BothAtOnce_IgnoredCall_SendsTheSpanAroundIt()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        await using var shop = await StartAsync(inbox, "default", options => options.Ignore.Calls.Add("*"));
        foreach (var path in SelfCaller.Paths) await shop.GetAsync(path);

        Assert.Equal(
            """
            SERVER GET /factory
              SERVER GET /called
            SERVER GET /plain
              SERVER GET /called
            SERVER GET /post
              SERVER POST /called/failing !
            SERVER GET /grpc
              SERVER shop.Echo/Say
            """,
            TraceOutline.Of(await shop.StopAsync()));
    }

    private static Task<SelfCaller> StartAsync(OtlpInbox inbox, string setting, Action<MeshTracingOptions>? ours = null)
    {
        Action<WebApplicationBuilder> add = builder => builder.Services.AddOpenTelemetry().WithTracing(tracing =>
        {
            tracing.AddAspNetCoreInstrumentation(options =>
            {
                if (setting == "Filter") options.Filter = context => context.Request.Path != "/nothing";
                if (setting.StartsWith("Enrich", StringComparison.Ordinal)) options.EnrichWithHttpRequest = (span, request) => span.SetTag("shop.path", request.Path.Value);
                if (setting == "Enrich with a name") options.EnrichWithHttpResponse = (span, _) => span.DisplayName = "chosen";
            });
            tracing.AddHttpClientInstrumentation(options =>
            {
                if (setting == "Filter") options.FilterHttpRequestMessage = request => request.RequestUri?.AbsolutePath != "/nothing";
                if (setting == "Enrich") options.EnrichWithHttpRequestMessage = (span, request) => span.SetTag("shop.path", request.RequestUri?.AbsolutePath);
            });
            tracing.AddGrpcClientInstrumentation();
            tracing.AddSource("Shop");
            Sampler? sampler = setting switch
            {
                "AlwaysOn" => new AlwaysOnSampler(),
                "AlwaysOff" => new AlwaysOffSampler(),
                "ratio 0" => new TraceIdRatioBasedSampler(0),
                "ParentBased(AlwaysOff)" => new ParentBasedSampler(new AlwaysOffSampler()),
                _ => null,
            };
            if (sampler is not null) tracing.SetSampler(sampler);
            tracing.AddOtlpExporter(options => (options.Endpoint, options.Protocol) = (new Uri(inbox.Http, "/v1/traces"), OtlpExportProtocol.HttpProtobuf));
        });
        return setting switch
        {
            "none" => SelfCaller.StartAsync(options: ours),
            "registered first" => SelfCaller.StartAsync(options: ours, buildFirst: add),
            _ => SelfCaller.StartAsync(add, ours),
        };
    }

    private sealed class Tagging : BaseProcessor<Activity>
    {
        public override void OnStart(Activity data) => data.SetTag("start", "1");

        public override void OnEnd(Activity data) => data.SetTag("end", "1");
    }
}
