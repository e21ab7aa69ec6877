using System.Diagnostics;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>
/// User code that sets a trace header by hand. A valid value of its own is kept; a copy of what came in, an invalid value or two values
/// are replaced. One value is sent.
/// </summary>
public sealed class HandSetHeadersTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";
    private const string OtherTraceId = "80f198ee56343ba864fe8b2a57d3eff7";
    private const string OtherSpanId = "e457b5a2e4d86bd1";

    public static TheoryData<bool, string> Valid => Kinds(
    [
        $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01",
        $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-00",
        $"b3: {OtherTraceId}-{OtherSpanId}-1",
        $"b3: {OtherTraceId}-{OtherSpanId}",
        "b3: 0",
        $"X-B3-TraceId: {OtherTraceId}|X-B3-SpanId: {OtherSpanId}|X-B3-Sampled: 1",
        $"x-b3-traceid: {OtherTraceId}|x-b3-spanid: {OtherSpanId}",
        $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01|tracestate: vendor=1",
    ]);

    public static TheoryData<bool, string> Copies => Kinds(
    [
        $"traceparent: 00-{TraceId}-{SpanId}-01",
        $"traceparent: 00-{TraceId}-{SpanId}-01|tracestate: vendor=1",
        $"b3: {TraceId}-{SpanId}-1",
        $"X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}|X-B3-Sampled: 1",
        $"traceparent: 00-{TraceId}-{SpanId}-01|X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}|X-B3-Sampled: 1",
    ]);

    public static TheoryData<bool, string> Invalid => Kinds(
    [
        "traceparent: nonsense",
        "traceparent:",
        $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01|traceparent: 00-{OtherTraceId}-{OtherSpanId}-01",
        $"traceparent: 00-{OtherTraceId}-0000000000000000-01",
        $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01\r\nx-evil: 1",
        "tracestate: vendor=1",
        "b3: nonsense",
        $"X-B3-TraceId: {OtherTraceId}",
        "X-B3-ParentSpanId: 0000000000000001",
    ]);

    [Theory]
    [MemberData(nameof(Valid))]
    public async Task Context_ValidAndNotACopy_StaysAlone(bool ours, string headers)
    {
        var (_, sent) = await CallAsync(ours, headers);

        Assert.Equal(headers.Split('|').Order(), ContextOf(sent));
    }

    [Theory]
    [MemberData(nameof(Copies))]
    public async Task Context_CopyOfWhatCameIn_GivesWayToOurs(bool ours, string headers)
    {
        var (spans, sent) = await CallAsync(ours, headers, $"traceparent: 00-{TraceId}-{SpanId}-01");

        AssertOurs(spans, sent);
    }

    [Theory]
    [MemberData(nameof(Invalid))]
    public async Task Context_InvalidOrTwice_GivesWayToOurs(bool ours, string headers)
    {
        var (spans, sent) = await CallAsync(ours, headers.Split('|'), []);

        AssertOurs(spans, sent);
        Assert.Null(sent["x-evil"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Context_ValidAndRetried_StaysAtEachAttempt(bool ours)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(async _ =>
        {
            using var invoker = new HttpMessageInvoker(Handler(ours));
            using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
            request.Headers.Add("traceparent", $"00-{OtherTraceId}-{OtherSpanId}-01");
            request.Headers.Add("x-request-id", "mine");
            request.Headers.Add("baggage", "a=1");
            for (var i = 0; i < 2; i++) (await invoker.SendAsync(request, default)).Dispose();
        });

        Assert.Equal(2, server.Requests.Count);
        Assert.All(server.Requests, r => Assert.Equal($"00-{OtherTraceId}-{OtherSpanId}-01", r["traceparent"]));
        Assert.All(server.Requests, r => Assert.Null(r["X-B3-SpanId"]));
        Assert.All(server.Requests, r => Assert.Equal(("mine", "a=1"), (r["x-request-id"], r["baggage"])));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task RequestId_SetByHand_Stays(bool ours)
    {
        var (_, sent) = await CallAsync(ours, "x-request-id: mine", "x-request-id: theirs");

        Assert.Equal("mine", sent["x-request-id"]);
    }

    [Theory]
    [InlineData(true, "x-request-id: one|x-request-id: two")]
    [InlineData(false, "x-request-id: one|x-request-id: two")]
    [InlineData(true, "x-request-id:")]
    [InlineData(false, "x-request-id:")]
    [InlineData(true, "x-request-id: a\r\nx-evil: 1")]
    [InlineData(false, "x-request-id: a\r\nx-evil: 1")]
    [InlineData(true, "x-request-id: \u00e9")]
    [InlineData(false, "x-request-id: \u00e9")]
    public async Task RequestId_InvalidOrTwice_GivesWayToOurs(bool ours, string headers)
    {
        var (_, sent) = await CallAsync(ours, headers.Split('|'), ["x-request-id: theirs"]);

        Assert.Equal("theirs", sent["x-request-id"]);
        Assert.Null(sent["x-evil"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ForwardedHeader_SetByHand_Stays(bool ours)
    {
        var (_, sent) = await CallAsync(ours, "x-client-trace-id: mine", "x-client-trace-id: theirs");

        Assert.Equal("mine", sent["x-client-trace-id"]);
    }

    [Theory]
    [InlineData("mine=1", "mine=1,theirs=1")]
    [InlineData("theirs=2", "theirs=2")]
    [InlineData("theirs=2;p=1,mine=1;secret;level=2", "theirs=2;p=1,mine=1;secret;level=2")]
    [InlineData("mine=1|more=2", "mine=1,more=2,theirs=1")]
    [InlineData("mine = 1 ; p,bad key=2,empty", "mine=1;p,theirs=1")]
    [InlineData("nonsense", "theirs=1")]
    [InlineData("", "theirs=1")]
    [InlineData("mine=1\r\nx-evil: 1", "theirs=1")]
    public async Task Baggage_SetByHand_IsOneListWithOursAndWinsOnEqualKeys(string byHand, string expected)
    {
        foreach (var ours in new[] { true, false })
        {
            var (_, sent) = await CallAsync(ours, [.. byHand.Split('|').Select(b => "baggage: " + b)], ["baggage: theirs=1"]);

            Assert.Equal(expected, sent["baggage"]);
            Assert.Null(sent["x-evil"]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Baggage_SetByHandAndTooLong_LeavesWithinTheLimitsByWholeMembers(bool ours)
    {
        var mine = string.Join(',', Enumerable.Range(0, 100).Select(i => $"mine{i}=1"));
        var theirs = string.Join(',', Enumerable.Range(0, 100).Select(i => $"theirs{i}=1"));
        var (_, sent) = await CallAsync(ours, ["baggage: " + mine], ["baggage: " + theirs]);

        var members = sent["baggage"]!.Split(',');
        Assert.Equal(180, members.Length);
        Assert.Equal(mine.Split(','), members[..100]);
        Assert.All(members[100..], m => Assert.Matches("^theirs[0-9]+=1$", m));
    }

    [Theory]
    [InlineData("secret=1,tenant=2", "tenant=2")]
    [InlineData("secret=1", "tenant=3")]
    [InlineData("other=1;p", "tenant=3")]
    public async Task Baggage_SetByHandWithKeysThatMayNotLeave_LosesThem(string byHand, string expected)
    {
        foreach (var ours in new[] { true, false })
        {
            var (_, sent) = await CallAsync(ours, ["baggage: " + byHand], ["baggage: tenant=3,secret=1"], o =>
            {
                o.Propagation.BaggageKeys.Clear();
                o.Propagation.BaggageKeys.Add("tenant");
            });

            Assert.Equal(expected, sent["baggage"]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Baggage_SetByHandAndSentTwice_IsTheSame(bool ours)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                using var invoker = new HttpMessageInvoker(Handler(ours));
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                request.Headers.Add("baggage", "mine=1;p");
                for (var i = 0; i < 2; i++) (await invoker.SendAsync(request, default)).Dispose();
            },
            headers: "baggage: theirs=1");

        Assert.Equal(["mine=1;p,theirs=1", "mine=1;p,theirs=1"], server.Requests.Select(r => r["baggage"]));
    }

    // A restart refuses members one by one: what the service has added to the copied header leaves.
    [Theory]
    [InlineData("evil=1", null)]
    [InlineData("evil=1;p", null)]
    [InlineData("evil=1,mine=2", "mine=2")]
    [InlineData("mine=2,worse=%20", "mine=2")]
    [InlineData("evil=2", "evil=2")]
    public async Task Baggage_CopyOfWhatIsNotTrusted_LeavesWithOwnMembersOnly(string byHand, string? expected)
    {
        foreach (var ours in new[] { true, false })
        {
            var (_, sent) = await CallAsync(ours, ["baggage: " + byHand], ["baggage: evil=1;p,worse=%20"], o => o.Trust.Default = TraceTrust.Restart);

            Assert.Equal(expected, sent["baggage"]);
        }
    }

    [Theory]
    [InlineData("b3: 0")]
    [InlineData("b3: 1")]
    [InlineData("b3: d")]
    [InlineData("X-B3-Sampled: 0")]
    [InlineData("X-B3-Sampled: 1")]
    [InlineData("X-B3-Flags: 1")]
    public async Task Context_CopyOfADecisionWithoutIds_GivesWayToOurs(string header)
    {
        foreach (var ours in new[] { true, false })
        {
            var (_, sent) = await CallAsync(ours, header, header);

            Assert.Equal(header[^1] == '0' ? "0" : "1", sent["X-B3-Sampled"]);
            Assert.NotNull(sent["X-B3-TraceId"]);
            Assert.Null(sent["b3"]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AllHeaders_CopiedByHandAsMeshGuidesSay_LeaveOnceWithOurIds(bool ours)
    {
        string[] inbound =
        [
            $"traceparent: 00-{TraceId}-{SpanId}-01", "tracestate: vendor=1", $"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {SpanId}", "X-B3-Sampled: 1",
            "x-request-id: abc", "x-client-trace-id: def", "baggage: user=1",
        ];
        var (spans, sent) = await CallAsync(ours, inbound, inbound);

        AssertOurs(spans, sent);
        Assert.Equal(("abc", "def", "user=1"), (sent["x-request-id"], sent["x-client-trace-id"], sent["baggage"]));
    }

    private static TheoryData<bool, string> Kinds(string[] headers)
    {
        var data = new TheoryData<bool, string>();
        foreach (var header in headers)
        {
            data.Add(true, header);
            data.Add(false, header);
        }

        return data;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Context_CopyOfOneThatWasNotBelieved_GivesWayToOurs(bool ours)
    {
        var (spans, sent) = await CallAsync(
            ours, [$"traceparent: 00-{TraceId}-{SpanId}-01"], [$"traceparent: 00-{TraceId}-{SpanId}-01"], o => o.Trust.Default = TraceTrust.Restart);

        Assert.NotEqual(TraceId, spans.Server().TraceId);
        AssertOurs(spans, sent);
    }

    // A proxy refreshes the format that it speaks; a copy of only the other format is a copy too.
    [Theory]
    [InlineData($"traceparent: 00-{TraceId}-{SpanId}-01", $"traceparent: 00-{TraceId}-{SpanId}-01|X-B3-TraceId: {TraceId}|X-B3-SpanId: {OtherSpanId}|X-B3-ParentSpanId: {SpanId}")]
    [InlineData($"b3: {TraceId}-{OtherSpanId}-1", $"traceparent: 00-{TraceId}-{SpanId}-01|tracestate: mesh=p:{OtherSpanId}|X-B3-TraceId: {TraceId}|X-B3-SpanId: {OtherSpanId}")]
    [InlineData($"b3: {TraceId}-{SpanId}-1", $"b3: {TraceId}-{SpanId}-1|X-B3-TraceId: {TraceId}|X-B3-SpanId: {OtherSpanId}|X-B3-ParentSpanId: {SpanId}")]
    [InlineData($"X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}", $"b3: {TraceId}-{OtherSpanId}-1|X-B3-TraceId: {TraceId}|X-B3-SpanId: {SpanId}")]
    public async Task Context_CopyOfTheStaleFormat_GivesWayToOurs(string headers, string inbound)
    {
        foreach (var ours in new[] { true, false })
        {
            foreach (var trust in Enum.GetValues<TraceTrust>())
            {
                var (spans, sent) = await CallAsync(ours, headers.Split('|'), inbound.Split('|'), o => o.Trust.Default = trust);

                AssertOurs(spans, sent);
            }
        }
    }

    [Theory]
    [InlineData("tracecontext,b3multi,baggage")]
    [InlineData("b3multi")]
    [InlineData("tracecontext")]
    public async Task Context_OursAndRetriedWithAnyFormats_IsFreshEachTime(string propagators)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                foreach (var ours in new[] { true, false })
                {
                    using var invoker = new HttpMessageInvoker(Handler(ours));
                    using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                    for (var i = 0; i < 3; i++) (await invoker.SendAsync(request, default)).Dispose();
                }
            },
            o =>
            {
                o.Propagation.Formats.Clear();
                foreach (var name in propagators.Split(',')) o.Propagation.Formats.Add(name);
            });

        Assert.Equal(spans.Clients().Select(s => s.SpanId), server.Requests.Select(r => r["X-B3-SpanId"] ?? r["traceparent"]!.Split('-')[2]));
        Assert.Equal([null, 1L, 2L, null, 1L, 2L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
    }

    // The platform takes the fields that a propagator names off a message before it sends it again.
    [Theory]
    [InlineData($"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01|tracestate: vendor=1|baggage: a=1|X-Request-ID: mine")]
    [InlineData($"b3: {OtherTraceId}-{OtherSpanId}-1|baggage: a=1|X-Request-ID: mine")]
    [InlineData($"X-B3-TraceId: {OtherTraceId}|X-B3-SpanId: {OtherSpanId}|X-B3-Sampled: 0|X-Request-ID: mine")]
    [InlineData("b3: 0|X-Request-ID: mine")]
    public async Task Context_ValidAndRedirected_StaysAtEachHop(string headers)
    {
        foreach (var hosts in new string[][] { ["data", "data"], ["data", "other"], ["api.example.com", "api.example.com"], ["api.example.com", "data"] })
        {
            var (spans, requests) = await RedirectAsync(headers, hosts);

            Assert.Equal([null, 1L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
            Assert.All(requests, r => Assert.Equal(headers.Split('|').Order(), r.Headers
                .Where(h => !h.Key.Equals("Host", StringComparison.OrdinalIgnoreCase)).Select(h => $"{h.Key}: {h.Value}").Order()));
        }
    }

    [Fact]
    public async Task Context_ValidAndRedirectedOutOfTheMesh_StaysInside()
    {
        var (_, requests) = await RedirectAsync(
            $"traceparent: 00-{OtherTraceId}-{OtherSpanId}-01|tracestate: vendor=1|baggage: a=1|x-request-id: mine", ["data", "api.example.com", "data"]);

        Assert.Equal(["Host"], requests[1].Headers.Select(h => h.Key));
        Assert.Equal($"00-{OtherTraceId}-{OtherSpanId}-01", requests[2]["traceparent"]);
    }

    [Fact]
    public async Task Context_OursAndRedirectedOutsideOfAnyTrace_DoesNotLeaveTheMesh()
    {
        await using var server = new WireServer((_, number) => number == 0 ? "302 Found\r\nLocation: http://api.example.com/" : "200 OK");
        await Traced.RunAsync(async _ =>
        {
            // Each hop is a root of its own.
            Activity.Current = null;
            using var client = new HttpClient(server.Handler());
            (await client.GetAsync(new Uri("http://data/"))).Dispose();
        });

        Assert.NotNull(server.Requests[0]["x-request-id"]);
        Assert.Equal(["Host"], server.Requests[1].Headers.Select(h => h.Key));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Context_OursBesideAFullTraceStateAndRetried_IsFreshEachTime(bool ours)
    {
        var list = string.Join(',', Enumerable.Range(0, 32).Select(i => $"k{i}=v"));
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var invoker = new HttpMessageInvoker(Handler(ours));
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                for (var i = 0; i < 3; i++) (await invoker.SendAsync(request, default)).Dispose();
            },
            headers: [$"traceparent: 00-{TraceId}-{SpanId}-01", $"tracestate: {list}"]);

        Assert.Equal(spans.Clients().Select(s => s.SpanId), server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Equal([null, 1L, 2L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
        Assert.All(server.Requests, r => Assert.Equal(list, r["tracestate"]));
    }

    [Theory]
    [InlineData("1.0")]
    [InlineData("1.1")]
    [InlineData("1.2")]
    public async Task Version_OfTheMessage_StaysWhatItWas(string version)
    {
        using var stub = new StubHandler();
        Version? after = null;
        var spans = await Traced.RunAsync(async _ =>
        {
            using var invoker = new HttpMessageInvoker(new MeshTracingHandler(stub));
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://data/") { Version = Version.Parse(version) };
            for (var i = 0; i < 2; i++) (await invoker.SendAsync(request, default)).Dispose();
            after = request.Version;
        });

        Assert.Equal(Version.Parse(version), after);
        Assert.Equal([null, 1L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
    }

    // Other instrumentation of HttpClient writes the ids of the span that the platform has just started, in its own format and with the
    // tracestate that came in.
    [Theory]
    [InlineData("W3C")]
    [InlineData("W3C with tracestate")]
    [InlineData("b3")]
    [InlineData("multi")]
    public async Task Context_NamesTheSpanOfTheCall_GivesWayToOurs(string format)
    {
        await using var server = new WireServer();
        var instrumentation = new OtherInstrumentation(format);
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = instrumentation });
                (await client.GetAsync(server.Address)).Dispose();
            },
            headers: [$"traceparent: 00-{TraceId}-{SpanId}-01", $"tracestate: mesh=p:{SpanId},vendor=1"]);

        AssertOurs(spans, server.Request);
        Assert.EndsWith(",vendor=1", server.Request["tracestate"], StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Context_NamesTheSpanOfTheCallAndRetried_IsFreshEachTime()
    {
        await using var server = new WireServer();
        var instrumentation = new OtherInstrumentation("W3C with tracestate");
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { ActivityHeadersPropagator = instrumentation });
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                for (var i = 0; i < 3; i++) (await invoker.SendAsync(request, default)).Dispose();
            },
            headers: [$"traceparent: 00-{TraceId}-{SpanId}-01"]);

        Assert.Equal(spans.Clients().Select(s => s.SpanId), server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Equal([null, 1L, 2L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
    }

    [Fact]
    public async Task Context_NamesTheSpanOfTheCallToAHostOutside_DoesNotLeave()
    {
        await using var server = new WireServer();
        var instrumentation = new OtherInstrumentation("W3C with tracestate");
        await Traced.RunAsync(async _ =>
        {
            var handler = server.Handler();
            handler.ActivityHeadersPropagator = instrumentation;
            using var client = new HttpClient(handler);
            (await client.GetAsync(new Uri("http://api.example.com/"))).Dispose();
        });

        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
    }

    // User code of before: it injects Activity.Current, which is the span around the call.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Context_NamesTheSpanAroundTheCall_GivesWayToOurs(bool ours)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(Handler(ours));
            using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
            request.Headers.Add("traceparent", Activity.Current!.Id);
            (await client.SendAsync(request)).Dispose();
        });

        AssertOurs(spans, server.Request);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Context_NamesTheSpanAroundTheCallInAnUnsampledTrace_GivesWayToOurs(bool ours)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(Handler(ours));
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                request.Headers.Add("traceparent", Activity.Current!.Id);
                (await client.SendAsync(request)).Dispose();
            },
            headers: $"b3: {TraceId}-{SpanId}-0");

        Assert.Equal((TraceId, "0"), (server.Request["X-B3-TraceId"], server.Request["X-B3-Sampled"]));
        Assert.Equal($"00-{TraceId}-{server.Request["X-B3-SpanId"]}-00", server.Request["traceparent"]);
    }

    // In front of this library, where the instrumentation of OpenTelemetry writes.
    private sealed class OtherInstrumentation(string format) : DistributedContextPropagator
    {
        public override IReadOnlyCollection<string> Fields => Current.Fields;

        public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
        {
            var headers = ((HttpRequestMessage)carrier!).Headers;
            var (trace, span) = (activity!.TraceId.ToHexString(), activity.SpanId.ToHexString());
            if (format.StartsWith("W3C", StringComparison.Ordinal)) headers.Add("traceparent", $"00-{trace}-{span}-01");
            if (format.EndsWith("tracestate", StringComparison.Ordinal) && activity.TraceStateString is { } list) headers.Add("tracestate", list);
            if (format == "b3") headers.Add("b3", $"{trace}-{span}-1");
            if (format == "multi")
            {
                headers.Add("X-B3-TraceId", trace);
                headers.Add("X-B3-SpanId", span);
                headers.Add("X-B3-ParentSpanId", activity.ParentSpanId.ToHexString());
                headers.Add("X-B3-Sampled", "1");
            }

            Current.Inject(activity, carrier, setter);
        }

        public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
            (traceId, traceState) = (null, null);

        public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
    }

    private static async Task<(IReadOnlyList<Span> Spans, IReadOnlyList<WireMessage> Requests)> RedirectAsync(string byHand, string[] hosts)
    {
        await using var server = new WireServer((_, number) => number + 1 < hosts.Length ? $"302 Found\r\nLocation: http://{hosts[number + 1]}/" : "200 OK");
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(server.Handler());
                using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{hosts[0]}/");
                foreach (var header in byHand.Split('|')) request.Headers.Add(header[..header.IndexOf(':')], header[(header.IndexOf(':') + 2)..]);
                (await client.SendAsync(request)).Dispose();
            },
            o => o.Propagation.BaggageTargets.Add("*"));
        return (spans, server.Requests);
    }

    private static void AssertOurs(IReadOnlyList<Span> spans, WireMessage sent)
    {
        var (trace, span) = (spans.Client().TraceId, spans.Client().SpanId);
        Assert.Equal((trace, span, "1"), (sent["X-B3-TraceId"], sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        Assert.StartsWith($"00-{trace}-{span}-0", sent["traceparent"], StringComparison.Ordinal);
        Assert.StartsWith($"mesh=p:{span}", sent["tracestate"], StringComparison.Ordinal);
        Assert.Null(sent["b3"]);
        Assert.Null(sent["X-B3-ParentSpanId"]);
    }

    private static IEnumerable<string> ContextOf(WireMessage sent) => sent.Headers
        .Where(h => h.Key.StartsWith("trace", StringComparison.OrdinalIgnoreCase) || h.Key.Contains("b3", StringComparison.OrdinalIgnoreCase))
        .Select(h => $"{h.Key}: {h.Value}")
        .Order();

    private static HttpMessageHandler Handler(bool ours) =>
        ours ? new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null }) : new SocketsHttpHandler();

    private static Task<(IReadOnlyList<Span> Spans, WireMessage Sent)> CallAsync(bool ours, string byHand, params string[] inbound) =>
        CallAsync(ours, byHand.Split('|'), inbound);

    private static async Task<(IReadOnlyList<Span> Spans, WireMessage Sent)> CallAsync(
        bool ours, string[] byHand, string[] inbound, Action<MeshTracingOptions>? options = null)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(Handler(ours));
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                foreach (var header in byHand)
                {
                    var colon = header.IndexOf(':');
                    Assert.True(request.Headers.TryAddWithoutValidation(header[..colon], header[(colon + 1)..].TrimStart()));
                }

                (await client.SendAsync(request)).Dispose();
            },
            options,
            headers: inbound);
        return (spans, server.Request);
    }
}
