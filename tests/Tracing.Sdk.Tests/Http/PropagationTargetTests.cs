using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>Which hosts get headers. All get a span.</summary>
public sealed class PropagationTargetTests
{
    private static readonly string[] Inbound = ["x-request-id: abc", "x-client-trace-id: def", "baggage: user=1"];

    [Theory]
    [InlineData("data", true)]
    [InlineData("data.shop.svc", true)]
    [InlineData("data.shop.svc.cluster.local", true)]
    [InlineData("data.local", true)]
    [InlineData("data.internal", true)]
    [InlineData("data.localhost", true)]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.31.0.1", true)]
    [InlineData("192.168.1.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("[fd00::1]", true)]
    [InlineData("api.example.com", false)]
    [InlineData("203.0.113.7", false)]
    [InlineData("172.32.0.1", false)]
    [InlineData("[2001:db8::1]", false)]
    [InlineData("local.example.com", false)]
    [InlineData("internal.example", false)]
    public async Task Host_ByDefault_GetsHeadersIfItLooksInternal(string host, bool inside)
    {
        foreach (var ours in new[] { true, false })
        {
            var (spans, sent, _) = await CallAsync(ours, host);

            Assert.Equal(host.Trim('[', ']'), spans.Client().Tag("server.address"));
            Assert.Equal(
                inside ? ("abc", "def", "user=1", spans.Client().SpanId) : (null, null, null, null),
                (sent["x-request-id"], sent["x-client-trace-id"], sent["baggage"], sent["X-B3-SpanId"]));
            Assert.Equal(inside, sent["traceparent"] is not null);
            Assert.Equal(inside, sent["tracestate"] is not null);
        }
    }

    [Theory]
    [InlineData("api.example.com")]
    [InlineData("*.example.com")]
    [InlineData("*")]
    public async Task Host_NamedByPropagateTo_GetsHeadersButNoBaggage(string pattern)
    {
        var (spans, sent, log) = await CallAsync(ours: false, "api.example.com", o => o.Propagation.Targets.Add(pattern));

        Assert.Equal((spans.Client().SpanId, "abc"), (sent["X-B3-SpanId"], sent["x-request-id"]));
        Assert.Null(sent["baggage"]);
        Assert.DoesNotContain(log.OfTracing, l => l.Contains("outside the mesh", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("data.shop.svc", "data.shop.svc")]
    [InlineData("data.shop.svc", "*.svc")]
    [InlineData("10.1.2.3", "10.0.0.0/8")]
    [InlineData("data.shop.svc", "*")]
    public async Task Host_NamedByDoNotPropagateTo_GetsNothing(string host, string pattern)
    {
        var (spans, sent, _) = await CallAsync(ours: false, host, o =>
        {
            o.Propagation.ExcludedTargets.Add(pattern);
            o.Propagation.Targets.Add("*");
            o.Propagation.BaggageTargets.Add("*");
        });

        Assert.NotNull(spans.Client());
        Assert.Equal(["Host"], sent.Headers.Select(h => h.Key));
    }

    [Fact]
    public async Task Host_OutsideTheMesh_IsLoggedOnce()
    {
        await using var server = new WireServer();
        var (_, log) = await Traced.RunWithLogAsync(async _ =>
        {
            using var client = new HttpClient(server.Handler());
            for (var i = 0; i < 3; i++) (await client.GetAsync(new Uri("http://api.example.com/"))).Dispose();
            (await client.GetAsync(new Uri("http://other.example.com/"))).Dispose();
            (await client.GetAsync(new Uri("http://data/"))).Dispose();
        });

        Assert.Equal(
            [
                "Calls to api.example.com get a span but no trace headers, because the host is outside the mesh; MeshTracing:Propagation:Targets can name it.",
                "Calls to other.example.com get a span but no trace headers, because the host is outside the mesh; MeshTracing:Propagation:Targets can name it.",
            ],
            log.OfTracing.Where(l => l.StartsWith("Calls to", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Redirect_OutOfTheMesh_TakesNoHeadersAlong(bool factory)
    {
        await using var server = new WireServer((r, _) => r.Target == "/old" ? "302 Found\r\nLocation: http://api.example.com/new" : "200 OK");
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var client = factory ? services.GetRequiredService<IHttpClientFactory>().CreateClient() : new HttpClient(server.Handler());
                (await client.GetAsync(new Uri("http://data/old"))).Dispose();
            },
            build: b => b.Services.ConfigureHttpClientDefaults(c => c.ConfigurePrimaryHttpMessageHandler(server.Handler)),
            headers: Inbound);

        Assert.Equal(["data", "api.example.com"], spans.Clients().Select(s => s.Tag("server.address")));
        var (first, second) = (server.Requests[0], server.Requests[1]);
        Assert.Equal(("abc", "def", "user=1"), (first["x-request-id"], first["x-client-trace-id"], first["baggage"]));
        Assert.Equal(["Host"], second.Headers.Select(h => h.Key));
    }

    [Theory]
    [InlineData("00", "", false)]
    [InlineData("01", "Microsoft.AspNetCore,System.Net.Http", true)]
    public async Task Redirect_OutOfTheMeshWithoutASpanOfOurs_TakesNoHeadersAlong(string flags, string ignored, bool isCallersSpan)
    {
        await using var server = new WireServer((_, number) => number == 0 ? "302 Found\r\nLocation: http://api.example.com/new" : "200 OK");
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri("http://data/old"))).Dispose();
            },
            o =>
            {
                foreach (var name in ignored.Split(',', StringSplitOptions.RemoveEmptyEntries)) o.Ignore.Sources.Add(name);
            },
            headers: [.. Inbound, $"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}", "tracestate: mesh=p:b7ad6b7169203331"]);

        Assert.Equal(isCallersSpan, server.Requests[0]["X-B3-SpanId"] == "b7ad6b7169203331");
        Assert.Equal("abc", server.Requests[0]["x-request-id"]);
        Assert.Equal(["Host"], server.Requests[1].Headers.Select(h => h.Key));
    }

    [Fact]
    public async Task Resend_OutOfTheMeshOfACallWithoutAnySpan_TakesNoHeadersAlong()
    {
        using var stub = new StubHandler();
        await Traced.RunAsync(
            async _ =>
            {
                System.Diagnostics.Activity.Current = null;
                using var invoker = new HttpMessageInvoker(new MeshTracingHandler(stub));
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://data/"));
                (await invoker.SendAsync(request, default)).Dispose();
                request.RequestUri = new Uri("http://api.example.com/");
                (await invoker.SendAsync(request, default)).Dispose();
            },
            o => o.Ignore.Sources.Add("System.Net.Http"),
            headers: ["x-request-id: abc", "x-client-trace-id: def"]);

        Assert.Equal(("abc", "def"), (stub.Sent[0]["x-request-id"], stub.Sent[0]["x-client-trace-id"]));
        Assert.Empty(stub.Sent[1]);
    }

    [Fact]
    public async Task Copy_OfEverythingThatCameInToAStranger_DoesNotLeave()
    {
        string[] inbound = [.. Inbound, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"];
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://api.example.com/"));
                foreach (var header in inbound) request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]);
                (await client.SendAsync(request)).Dispose();
            },
            headers: inbound);

        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
    }

    // Without a context nothing shows that the headers are copies but their values.
    [Theory]
    [InlineData("api.example.com", "")]
    [InlineData("data.svc", "data.svc")]
    public async Task Copy_OfHeadersWithoutAContextToAStranger_DoesNotLeave(string host, string denied)
    {
        string[] inbound = [.. Inbound, "b3: 1"];
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                foreach (var more in new[] { ",mine=2", "" })
                {
                    using var client = new HttpClient(server.Handler());
                    using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{host}/"));
                    foreach (var header in more.Length > 0 ? Inbound : inbound)
                    {
                        var value = header.Split(": ")[1];
                        request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.StartsWith("baggage", StringComparison.Ordinal) ? value + more : value);
                    }

                    (await client.SendAsync(request)).Dispose();
                }
            },
            o =>
            {
                if (denied.Length > 0) o.Propagation.ExcludedTargets.Add(denied);
            },
            headers: inbound);

        // What was set on purpose stays.
        Assert.Equal(["Host", "baggage"], server.Requests[0].Headers.Select(h => h.Key).Order(StringComparer.Ordinal));
        Assert.Equal("mine=2", server.Requests[0]["baggage"]);
        Assert.Equal(["Host"], server.Requests[1].Headers.Select(h => h.Key));
    }

    [Fact]
    public async Task Redirect_OutOfTheMeshWithAContextByHand_TakesNoneOfOurHeadersAlong()
    {
        await using var server = new WireServer((_, number) => number == 0 ? "302 Found\r\nLocation: http://api.example.com/new" : "200 OK");
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("http://data/old"));
                request.Headers.Add("traceparent", "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01");
                (await client.SendAsync(request)).Dispose();
            },
            headers: Inbound);

        Assert.Equal("abc", server.Requests[0]["x-request-id"]);
        Assert.Equal((null, null, null), (server.Requests[1]["x-request-id"], server.Requests[1]["x-client-trace-id"], server.Requests[1]["baggage"]));
    }

    [Theory]
    [InlineData("http://b.example.com/", false)]
    [InlineData("http://trusted.example.com/", true)]
    public async Task Redirect_FromAHostThatMayHaveBaggage_TakesItOnlyWhereItMayGo(string next, bool may)
    {
        await using var server = new WireServer((_, number) => number == 0 ? $"302 Found\r\nLocation: {next}" : "200 OK");
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri("http://a.example.com/"))).Dispose();
            },
            o =>
            {
                o.Propagation.BaggageTargets.Add("a.example.com");
                o.Propagation.BaggageTargets.Add("trusted.example.com");
            },
            headers: Inbound);

        Assert.Equal(["user=1", may ? "user=1" : null], server.Requests.Select(r => r["baggage"]));
    }

    [Fact]
    public async Task Redirect_InsideToAHostThatGetsNoBaggage_LeavesItBehind()
    {
        await using var server = new WireServer((_, number) => number == 0 ? "302 Found\r\nLocation: http://b.example.com/" : "200 OK");
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri("http://data/"))).Dispose();
            },
            o => o.Propagation.Targets.Add("b.example.com"),
            headers: Inbound);

        Assert.Equal(["user=1", null], server.Requests.Select(r => r["baggage"]));
        Assert.Equal(["abc", "abc"], server.Requests.Select(r => r["x-request-id"]));
    }

    [Fact]
    public async Task Redirect_BackIntoTheMesh_GetsHeadersAgain()
    {
        await using var server = new WireServer((_, number) => number switch
        {
            0 => "302 Found\r\nLocation: http://api.example.com/",
            1 => "302 Found\r\nLocation: http://data/",
            _ => "200 OK",
        });
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                (await client.GetAsync(new Uri("http://data/"))).Dispose();
            },
            headers: Inbound);

        Assert.Equal([spans.Clients()[0].SpanId, null, spans.Clients()[2].SpanId], server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Equal(["abc", null, "abc"], server.Requests.Select(r => r["x-request-id"]));
        Assert.Equal([null, 1L, 2L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
    }

    private static async Task<(IReadOnlyList<Span> Spans, WireMessage Sent, LogCollector Log)> CallAsync(
        bool ours, string host, Action<MeshTracingOptions>? options = null)
    {
        await using var server = new WireServer();
        var (spans, log) = await Traced.RunWithLogAsync(
            async _ =>
            {
                var sockets = server.Handler();
                if (ours) sockets.ActivityHeadersPropagator = null;
                using var client = new HttpClient(ours ? new MeshTracingHandler(sockets) : sockets);
                (await client.GetAsync(new Uri($"http://{host}/"))).Dispose();
            },
            options,
            headers: Inbound);
        return (spans, server.Request, log);
    }
}
