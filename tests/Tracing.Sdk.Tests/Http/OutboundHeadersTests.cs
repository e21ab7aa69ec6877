using System.Diagnostics;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>What a call carries beside the trace context, and what it never does.</summary>
public sealed class OutboundHeadersTests
{
    [Theory]
    [InlineData("7f0cd1e2-3a4b-9c5d-8e6f-112233445566")]
    [InlineData("7F0CD1E2-3A4B-4C5D-8E6F-112233445566")]
    [InlineData("not a uuid at all")]
    [InlineData("0HN7A2:00000001")]
    public async Task RequestId_CameIn_LeavesByteForByte(string id)
    {
        var sent = await CallAsync("x-request-id: " + id);

        Assert.Equal(id, sent["x-request-id"]);
    }

    [Fact]
    public async Task RequestId_CameInUnsampled_LeavesByteForByte()
    {
        var sent = await CallAsync("x-request-id: 7f0cd1e2-3a4b-9c5d-8e6f-112233445566", "b3: 0");

        Assert.Equal("7f0cd1e2-3a4b-9c5d-8e6f-112233445566", sent["x-request-id"]);
    }

    [Fact]
    public async Task RequestId_NoneCameIn_IsOneUuidForTheTraceMarkedAsSampled()
    {
        await using var server = new WireServer();
        using var stub = new StubHandler();
        await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient();
            for (var i = 0; i < 3; i++) (await client.GetAsync(server.Address)).Dispose();
            using var ours = new HttpClient(new MeshTracingHandler(stub));
            (await ours.GetAsync(new Uri("http://data/"))).Dispose();
        });

        var id = Assert.Single(server.Requests.Select(r => r["x-request-id"]).Append(stub.Sent[0]["x-request-id"]).Distinct())!;
        Assert.True(Guid.TryParseExact(id, "D", out _));
        Assert.Equal(id.ToLowerInvariant(), id);
        Assert.Equal('9', id[14]);
        Assert.Contains(id[19], "89ab");
    }

    [Fact]
    public async Task RequestId_NoneCameInAndUnsampled_IsAPlainUuid()
    {
        var sent = await CallAsync("b3: 0");

        Assert.Equal('4', sent["x-request-id"]![14]);
    }

    [Fact]
    public async Task RequestId_OfTwoTraces_Differ()
    {
        Assert.NotEqual((await CallAsync())["x-request-id"], (await CallAsync())["x-request-id"]);
    }

    [Fact]
    public async Task RequestId_CameInTwice_LeavesOnce()
    {
        Assert.Equal("one", (await CallAsync("x-request-id: one", "x-request-id: two"))["x-request-id"]);
    }

    [Fact]
    public async Task RequestId_Empty_IsTakenForNone()
    {
        Assert.Equal('9', (await CallAsync("x-request-id:"))["x-request-id"]![14]);
    }

    [Fact]
    public async Task ClientTraceId_CameIn_LeavesByteForByte()
    {
        Assert.Equal("From The Client; 1", (await CallAsync("x-client-trace-id: From The Client; 1"))["x-client-trace-id"]);
    }

    [Fact]
    public async Task ForwardedHeaders_Named_LeaveByteForByte()
    {
        var sent = await CallAsync(
            o =>
            {
                o.Propagation.ForwardedHeaders.Add("x-ot-span-context");
                o.Propagation.ForwardedHeaders.Add("X-Tenant");
            },
            "X-OT-Span-Context: AbC;=,", "x-tenant: acme", "x-other: stays here");

        Assert.Equal("AbC;=,", sent["x-ot-span-context"]);
        Assert.Equal("acme", sent["X-Tenant"]);
        Assert.Null(sent["x-other"]);
    }

    [Fact]
    public async Task ForwardedHeaders_NamingWhatWeWriteOurselves_ChangesNothing()
    {
        string[] names = ["x-request-id", "X-Client-Trace-Id", "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "baggage"];
        var sent = await CallAsync(
            o =>
            {
                foreach (var name in names) o.Propagation.ForwardedHeaders.Add(name);
            },
            "b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1-05e3ac9a4f6e3b90", "X-B3-ParentSpanId: 05e3ac9a4f6e3b90", "x-request-id: abc", "x-client-trace-id: def", "baggage: a=1");

        Assert.Equal((null, null), (sent["b3"], sent["X-B3-ParentSpanId"]));
        Assert.NotEqual("b7ad6b7169203331", sent["X-B3-SpanId"]);
        Assert.Equal(("abc", "def", "a=1"), (sent["x-request-id"], sent["x-client-trace-id"], sent["baggage"]));
    }

    [Theory]
    [InlineData("x-envoy-attempt-count: 2")]
    [InlineData("x-envoy-expected-rq-timeout-ms: 15000")]
    [InlineData("x-envoy-original-path: /a")]
    [InlineData("x-envoy-internal: true")]
    [InlineData("x-envoy-peer-metadata: abc")]
    [InlineData("x-envoy-decorator-operation: op")]
    [InlineData("x-forwarded-for: 10.1.2.3")]
    [InlineData("x-forwarded-client-cert: By=a")]
    [InlineData("x-forwarded-proto: https")]
    [InlineData("forwarded: for=10.1.2.3")]
    [InlineData("via: proxy")]
    public async Task HopHeader_CameIn_StaysHere(string header)
    {
        Assert.Null((await CallAsync(header))[header[..header.IndexOf(':')]]);
    }

    [Theory]
    [InlineData("x-request-id: a\u0001b")]
    [InlineData("x-request-id: a\u007fb")]
    [InlineData("x-request-id: a\u00c3\u00a9b")]
    [InlineData("x-request-id: a\tb")]
    [InlineData("x-client-trace-id: a\u00c3\u00a9b")]
    [InlineData("x-client-trace-id: a\u0001b")]
    [InlineData("x-tenant: a\u00c3\u00a9b")]
    [InlineData("tracestate: vendor=a\u00c3\u00a9b")]
    [InlineData("baggage: a=\u00c3\u00a9,b=1")]
    [InlineData("baggage: a=%0D%0Ax-evil:%201")]
    public async Task UnsafeValue_CameIn_DoesNotLeaveAndNoCallFails(string header)
    {
        var sent = await CallAsync(o => o.Propagation.ForwardedHeaders.Add("x-tenant"), header, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        Assert.All(sent.Headers, h => Assert.DoesNotContain(h.Value, c => c is < ' ' or > '~'));
        Assert.Null(sent["x-evil"]);
        Assert.Equal("1", sent["X-B3-Sampled"]);
        Assert.NotNull(sent["x-request-id"]);
    }

    [Fact]
    public async Task BaggageOfTheApplication_WithLineBreaks_LeavesEncoded()
    {
        await using var server = new WireServer();
        await Traced.RunAsync(async _ =>
        {
            OpenTelemetry.Baggage.SetBaggage("evil", "a\r\nx-evil: 1");
            Activity.Current!.AddBaggage("bad key\r\n", "x");
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        });

        Assert.Equal("evil=a%0D%0Ax-evil:%201", server.Request["baggage"]);
        Assert.Null(server.Request["x-evil"]);
    }

    [Fact]
    public async Task Call_OutsideOfAnyRequestSpan_StillCarriesWhatCameIn()
    {
        // Neither server nor client spans are wanted: nothing remains but the headers.
        using var stub = new StubHandler();
        await Traced.RunAsync(
            async _ =>
            {
                Activity.Current = null;
                using var client = new HttpClient(new MeshTracingHandler(stub));
                (await client.GetAsync(new Uri("http://data/"))).Dispose();
            },
            o =>
            {
                o.Ignore.Sources.Add("Microsoft.AspNetCore");
                o.Ignore.Sources.Add("System.Net.Http");
            },
            headers: ["x-request-id: abc", "x-client-trace-id: def"]);

        Assert.Equal(("abc", "def"), (stub.Sent[0]["x-request-id"], stub.Sent[0]["x-client-trace-id"]));
    }

    [Fact]
    public async Task Carrier_ThatIsNoHttpRequest_GetsTheSame()
    {
        var headers = new Dictionary<string, string>();
        var spans = await Traced.RunAsync(
            _ =>
            {
                DistributedContextPropagator.Current.Inject(
                    Activity.Current, headers, static (carrier, name, value) => ((Dictionary<string, string>)carrier!)[name] = value);
                return Task.CompletedTask;
            },
            headers: ["x-request-id: abc", "x-client-trace-id: def", "baggage: user=1"]);

        Assert.Equal(spans.Server().SpanId, headers["X-B3-SpanId"]);
        Assert.Equal(("abc", "def", "user=1"), (headers["x-request-id"], headers["x-client-trace-id"], headers["baggage"]));
        Assert.Equal($"00-{spans.Server().TraceId}-{spans.Server().SpanId}-03", headers["traceparent"]);
    }

    private static Task<WireMessage> CallAsync(params string[] headers) => CallAsync(_ => { }, headers);

    private static async Task<WireMessage> CallAsync(Action<MeshTracingOptions> options, params string[] headers)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            },
            options,
            headers: headers);
        return server.Request;
    }
}
