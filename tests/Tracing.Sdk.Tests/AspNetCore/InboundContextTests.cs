using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>What comes in, what is recorded of it, and what goes out.</summary>
public sealed class InboundContextTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";
    private const string OtherTraceId = "80f198ee56343ba864fe8b2a57d3eff7";
    private const string OtherSpanId = "e457b5a2e4d86bd1";

    [Fact]
    public async Task Request_SampledTraceparent_IsContinued()
    {
        var (spans, sent) = await CallAsync([$"traceparent: 00-{TraceId}-{SpanId}-01", "tracestate: vendor=1"]);

        Assert.Equal((TraceId, SpanId), (spans.Server().TraceId, spans.Server().ParentId));
        Assert.Equal((TraceId, spans.Server().SpanId), (spans.Client().TraceId, spans.Client().ParentId));
        var client = spans.Client().SpanId;
        Assert.Equal($"00-{TraceId}-{client}-01", sent["traceparent"]);
        Assert.Equal($"mesh=p:{client},vendor=1", sent["tracestate"]);
        Assert.Equal((TraceId, client, "1"), (sent["X-B3-TraceId"], sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        Assert.Null(sent["X-B3-Flags"]);
        Assert.Null(sent["X-B3-ParentSpanId"]);
        Assert.Null(sent["b3"]);
    }

    [Fact]
    public async Task Request_WithoutContext_StartsATraceWithRandomFlag()
    {
        var (spans, sent) = await CallAsync([]);

        Assert.Null(spans.Server().ParentId);
        Assert.Equal($"00-{spans.Server().TraceId}-{spans.Client().SpanId}-03", sent["traceparent"]);
    }

    [Fact]
    public async Task Request_RandomFlagOff_StartsATraceWithout()
    {
        var (spans, sent) = await CallAsync([], o => o.Propagation.RandomFlag = false);

        Assert.Equal($"00-{spans.Server().TraceId}-{spans.Client().SpanId}-01", sent["traceparent"]);
    }

    [Fact]
    public async Task Request_DeepLocalChain_KeepsTheRandomFlag()
    {
        using var source = new ActivitySource(nameof(Request_DeepLocalChain_KeepsTheRandomFlag));
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", async () =>
        {
            using var a = source.StartActivity("a");
            using var b = source.StartActivity("b");
            using var c = source.StartActivity("c");
            using var client = new HttpClient();
            using var response = await client.GetAsync(server.Address);
        }));
        await service.GetAsync("/", $"traceparent: 00-{TraceId}-{SpanId}-03");
        var spans = await service.StopAsync();

        Assert.EndsWith("-03", server.Request["traceparent"], StringComparison.Ordinal);
        Assert.All(spans, s => Assert.Equal(3, s.Flags & 0xFF));
    }

    [Fact]
    public async Task Request_UnsampledTraceparent_IsDeniedEverywhereWithAnIdOfThisHop()
    {
        var (spans, sent) = await CallAsync([$"traceparent: 00-{TraceId}-{SpanId}-00"]);

        Assert.Empty(spans);
        Assert.NotEqual(SpanId, sent["X-B3-SpanId"]);
        Assert.Equal($"00-{TraceId}-{sent["X-B3-SpanId"]}-00", sent["traceparent"]);
        Assert.Equal((TraceId, "0"), (sent["X-B3-TraceId"], sent["X-B3-Sampled"]));
    }

    [Theory]
    [InlineData("b3: 0")]
    [InlineData("X-B3-Sampled: 0")]
    [InlineData("X-B3-Sampled: false")]
    public async Task Request_DenyWithoutIds_IsDeniedInANewTrace(string header)
    {
        var (spans, sent) = await CallAsync([header]);

        Assert.Empty(spans);
        Assert.Equal("0", sent["X-B3-Sampled"]);
        Assert.Equal($"00-{sent["X-B3-TraceId"]}-{sent["X-B3-SpanId"]}-02", sent["traceparent"]);
    }

    [Theory]
    [InlineData("b3: 1")]
    [InlineData("X-B3-Sampled: 1")]
    public async Task Request_AcceptWithoutIds_IsRecordedPastTheSampler(string header)
    {
        var (spans, sent) = await CallAsync([header], o => o.Sampling.Ratio = 0);

        Assert.Null(spans.Server().ParentId);
        Assert.Equal("1", sent["X-B3-Sampled"]);
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.0)]
    public async Task Request_Defer_LetsOurSamplerDecide(double ratio)
    {
        var (spans, sent) = await CallAsync([$"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {SpanId}"], o => o.Sampling.Ratio = ratio);

        if (ratio == 0)
        {
            Assert.Empty(spans);
            Assert.NotEqual(SpanId, sent["X-B3-SpanId"]);
            Assert.Equal((TraceId, "0"), (sent["X-B3-TraceId"], sent["X-B3-Sampled"]));
            Assert.Equal($"00-{TraceId}-{sent["X-B3-SpanId"]}-00", sent["traceparent"]);
        }
        else
        {
            Assert.Equal(SpanId, spans.Server().ParentId);
            Assert.Equal((spans.Client().SpanId, "1"), (sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        }
    }

    [Fact]
    public async Task Request_Defer_LeavesNoMarkBehind()
    {
        var (spans, sent) = await CallAsync([$"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {SpanId}"]);

        Assert.All(spans, s => Assert.Null(s.TraceState));
        Assert.Equal($"mesh=p:{spans.Client().SpanId}", sent["tracestate"]);
    }

    [Theory]
    [InlineData($"b3: {TraceId}-{SpanId}-d")]
    [InlineData($"X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}|X-B3-Flags: 1")]
    [InlineData($"X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}|X-B3-Flags: 1|X-B3-Sampled: 0")]
    [InlineData($"traceparent: 00-{TraceId}-{SpanId}-00|X-B3-Flags: 1")]
    [InlineData($"traceparent: 00-{TraceId}-{SpanId}-01|tracestate: mesh=p:{SpanId};s:d")]
    [InlineData("b3: d")]
    [InlineData("X-B3-Flags: 1")]
    public async Task Request_Debug_IsRecordedPastTheSamplerAndStaysDebug(string headers)
    {
        var (spans, sent, zipkin) = await CallWithZipkinAsync(headers.Split('|'), o => o.Sampling.Ratio = 0);

        Assert.Equal(2, spans.Count);
        Assert.Equal(2, zipkin.Count);
        Assert.All(zipkin, s => Assert.True(s.GetProperty("debug").GetBoolean()));
        Assert.Equal(("1", "1"), (sent["X-B3-Flags"], sent["X-B3-Sampled"]));
        Assert.EndsWith(headers.Contains(TraceId, StringComparison.Ordinal) ? "-01" : "-03", sent["traceparent"], StringComparison.Ordinal);
        Assert.StartsWith($"mesh=p:{spans.Client().SpanId};s:d", sent["tracestate"], StringComparison.Ordinal);
        Assert.Equal(headers.Contains(TraceId, StringComparison.Ordinal) ? SpanId : null, spans.Server().ParentId);
    }

    [Fact]
    public async Task Request_64BitTraceId_IsKeptShortInB3()
    {
        var (spans, sent) = await CallAsync([$"b3: 8448eb211c80319c-{SpanId}-1"]);

        Assert.Equal("00000000000000008448eb211c80319c", spans.Server().TraceId);
        Assert.Equal("8448eb211c80319c", sent["X-B3-TraceId"]);
        Assert.Equal($"00-00000000000000008448eb211c80319c-{spans.Client().SpanId}-01", sent["traceparent"]);
    }

    [Fact]
    public async Task Request_TwoTraces_LinksToTheOther()
    {
        var (spans, _) = await CallAsync(
            [$"traceparent: 00-{TraceId}-{SpanId}-01", $"X-B3-TraceId: {OtherTraceId}", $"X-B3-SpanId: {OtherSpanId}", "X-B3-Sampled: 1"]);

        Assert.Equal((TraceId, SpanId), (spans.Server().TraceId, spans.Server().ParentId));
        var link = Assert.Single(spans.Server().Links);
        Assert.Equal($"{OtherTraceId}-{OtherSpanId}", link.Name);
        Assert.Equal(("conflicting_context", "b3"), (link.Tags["reason"], link.Tags["format"]));
        Assert.Empty(spans.Client().Links);
    }

    [Fact]
    public async Task Request_TwoTracesAndEmptyTracestate_LinksToW3C()
    {
        var (spans, _) = await CallAsync(
            [$"traceparent: 00-{TraceId}-{SpanId}-01", "tracestate:", $"X-B3-TraceId: {OtherTraceId}", $"X-B3-SpanId: {OtherSpanId}", "X-B3-Sampled: 1"]);

        Assert.Equal((OtherTraceId, OtherSpanId), (spans.Server().TraceId, spans.Server().ParentId));
        Assert.Equal("w3c", Assert.Single(spans.Server().Links).Tags["format"]);
    }

    [Theory]
    [InlineData($"traceparent: 00-{TraceId}-{SpanId}-01|X-B3-TraceId: {OtherTraceId}|X-B3-SpanId: {OtherSpanId}|X-B3-Sampled: 1", "trace_id")]
    [InlineData($"traceparent: 00-{TraceId}-{SpanId}-01|X-B3-TraceId: {TraceId}|X-B3-SpanId: {OtherSpanId}|X-B3-Sampled: 1", "span_id")]
    [InlineData($"traceparent: 00-{TraceId}-{SpanId}-01|X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}|X-B3-Sampled: 0", "sampled")]
    public async Task Request_FormatsDisagree_IsCountedOnceOnTheMeter(string headers, string kind)
    {
        using var listener = new MeterListener();
        var mine = new AsyncLocal<bool>();
        var counts = new Dictionary<string, long>();
        // Other tests have meters of the same name; the one of this test is made while its service starts.
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (mine.Value && instrument.Name == "tracing.sdk.context.conflicts") l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => counts[(string)tags[0].Value!] = value);
        listener.Start();
        mine.Value = true;
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));

        await service.GetAsync("/", headers.Split('|'));
        await service.GetAsync("/");
        listener.RecordObservableInstruments();

        Assert.Equal(3, counts.Count);
        Assert.Equal([kind], counts.Where(c => c.Value == 1).Select(c => c.Key));
        Assert.Equal(1, counts.Values.Sum());
    }

    [Fact]
    public async Task Request_ProxyRefreshedB3Only_BelievesB3()
    {
        // The marker says that the span in traceparent is as a service wrote it; the proxy's own is in B3.
        var (spans, _) = await CallAsync(
            [$"traceparent: 00-{TraceId}-{SpanId}-01", $"tracestate: mesh=p:{SpanId}", $"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {OtherSpanId}", "X-B3-Sampled: 1"]);

        Assert.Equal((TraceId, OtherSpanId), (spans.Server().TraceId, spans.Server().ParentId));
        Assert.Empty(spans.Server().Links);
    }

    [Fact]
    public async Task Request_FutureVersionWithTail_IsContinued()
    {
        var (spans, sent) = await CallAsync([$"traceparent: cc-{TraceId}-{SpanId}-01-what-comes-then"]);

        Assert.Equal((TraceId, SpanId), (spans.Server().TraceId, spans.Server().ParentId));
        Assert.Equal($"00-{TraceId}-{spans.Client().SpanId}-01", sent["traceparent"]);
    }

    [Fact]
    public async Task Request_ReservedFlags_AreMasked()
    {
        var (spans, sent) = await CallAsync([$"traceparent: 00-{TraceId}-{SpanId}-ff"]);

        Assert.Equal($"00-{TraceId}-{spans.Client().SpanId}-03", sent["traceparent"]);
        Assert.Equal(3, spans.Server().Flags & 0xFF);
    }

    [Fact]
    public async Task Request_TwoTraceparents_StartsAnew()
    {
        var (spans, _) = await CallAsync([$"traceparent: 00-{TraceId}-{SpanId}-01", $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01"]);

        Assert.Null(spans.Server().ParentId);
        Assert.DoesNotContain(spans.Server().TraceId, new[] { TraceId, OtherTraceId });
    }

    [Fact]
    public async Task Request_SecondOnTheSameConnection_KnowsNothingOfTheFirst()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", async () =>
        {
            using var client = new HttpClient();
            using var response = await client.GetAsync(server.Address);
        }));
        await WireClient.SendAsync(service.Address, [
            WireClient.Request(service.Address, "GET /", $"b3: {TraceId}-{SpanId}-d", "x-request-id: first", "baggage: user=1"),
            WireClient.Request(service.Address, "GET /", $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01", "x-request-id: second"),
            WireClient.Request(service.Address, "GET /", "Connection: close"),
        ]);
        var spans = await service.StopAsync();
        var (first, second, third) = (server.Requests[0], server.Requests[1], server.Requests[2]);

        Assert.Equal(("first", "user=1", "1"), (first["x-request-id"], first["baggage"], first["X-B3-Flags"]));
        Assert.Equal(("second", null, null, OtherTraceId), (second["x-request-id"], second["baggage"], second["X-B3-Flags"], second["X-B3-TraceId"]));
        Assert.Equal((null, null), (third["baggage"], third["X-B3-Flags"]));
        Assert.NotEqual("second", third["x-request-id"]);
        Assert.Contains(spans, s => s.Kind == "server" && s.ParentId is null && s.TraceId == third["X-B3-TraceId"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Requests_AtTheSameTime_KeepTheirContextsApart(int version)
    {
        const int count = 24;
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/{n}", async (string n) =>
            {
                await Task.Yield();
                using var client = new HttpClient();
                using var response = await client.GetAsync(new Uri(server.Address, n));
            }),
            build: b => b.WebHost.ConfigureKestrel(k => k.ConfigureEndpointDefaults(e => e.Protocols = version == 1
                ? Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1
                : Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2)));
        using var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null };
        using var caller = new HttpMessageInvoker(handler);
        await Task.WhenAll(Enumerable.Range(1, count).Select(async n =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(service.Address, $"/{n}"))
            {
                Version = new Version(version, version == 1 ? 1 : 0),
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            request.Headers.Add("traceparent", $"00-{n:x32}-{n:x16}-01");
            request.Headers.Add("x-request-id", $"id-{n}");
            request.Headers.Add("baggage", $"n={n}");
            (await caller.SendAsync(request, default)).Dispose();
        }));
        var spans = await service.StopAsync();

        Assert.Equal(count, server.Requests.Count);
        Assert.All(server.Requests, r =>
        {
            var n = int.Parse(r.Target[1..], System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(($"{n:x16}", $"id-{n}", $"n={n}"), (r["X-B3-TraceId"], r["x-request-id"], r["baggage"]));
            var own = spans.Where(s => s.TraceId == $"{n:x32}").ToList();
            Assert.Equal(2, own.Count);
            Assert.Equal(($"{n:x16}", own.Server().SpanId, own.Client().SpanId), (own.Server().ParentId, own.Client().ParentId, r["X-B3-SpanId"]));
        });
    }

    [Theory]
    [InlineData("tracecontext", "traceparent,tracestate")]
    [InlineData("b3multi", "X-B3-Sampled,X-B3-SpanId,X-B3-TraceId")]
    [InlineData("b3", "b3")]
    [InlineData("b3,b3multi,tracecontext", "b3,traceparent,tracestate")]
    [InlineData("none", "")]
    public async Task Propagators_AsConfigured_AreWhatIsWritten(string propagators, string names)
    {
        var (_, sent) = await CallAsync([], o =>
        {
            o.Propagation.Formats.Clear();
            foreach (var name in propagators.Split(',')) o.Propagation.Formats.Add(name);
        });

        Assert.Equal(
            names,
            string.Join(',', sent.Headers.Select(h => h.Key).Where(n => n.StartsWith("X-B3", StringComparison.OrdinalIgnoreCase) || n.StartsWith("trace", StringComparison.Ordinal) || n == "b3").Order(StringComparer.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task Request_FullyConfiguredHost_NeedsNothingButAddMeshTracing()
    {
        var sink = new SpanSink();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = typeof(InboundContextTests).Assembly.GetName().Name });
        builder.Services.AddMeshTracing(o => TestService.ExportTo(sink, o));
        await using var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/orders/{id}", (int id) => id);
        await app.StartAsync();
        await WireClient.SendAsync(new Uri(app.Urls.First()), "GET /orders/1", $"traceparent: 00-{TraceId}-b7ad6b7169203332-01");
        await app.StopAsync();

        var span = Assert.Single(sink.Spans, s => s.ParentId == "b7ad6b7169203332");
        Assert.Equal(("GET /orders/{id}", "server"), (span.Name, span.Kind));
    }

    private static async Task<(IReadOnlyList<Span> Spans, WireMessage Sent)> CallAsync(string[] headers, Action<MeshTracingOptions>? options = null)
    {
        var (spans, sent, _) = await CallAsync(headers, options, zipkin: false);
        return (spans, sent);
    }

    private static Task<(IReadOnlyList<Span> Spans, WireMessage Sent, IReadOnlyList<System.Text.Json.JsonElement> Zipkin)> CallWithZipkinAsync(
        string[] headers, Action<MeshTracingOptions> options) => CallAsync(headers, options, zipkin: true);

    private static async Task<(IReadOnlyList<Span> Spans, WireMessage Sent, IReadOnlyList<System.Text.Json.JsonElement> Zipkin)> CallAsync(
        string[] headers, Action<MeshTracingOptions>? options, bool zipkin)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async (HttpClient client) =>
            {
                using var response = await client.GetAsync(server.Address);
            }),
            o =>
            {
                if (zipkin) o.Export.Exporters.Add("zipkin");
                options?.Invoke(o);
            },
            b => b.Services.AddTransient(_ => new HttpClient()));
        Assert.Equal(200, (await service.GetAsync("/", headers)).Status);
        var spans = await service.StopAsync();
        var ids = spans.Select(s => s.SpanId).ToHashSet();
        return (spans, server.Request, [.. service.Sink.ZipkinSpans.Where(s => ids.Contains(s.GetProperty("id").GetString()!))]);
    }
}
