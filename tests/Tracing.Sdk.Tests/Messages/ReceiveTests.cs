using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry;
using Tracing.Sdk.Messages;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Messages;

/// <summary>The handling of a message in a process without requests: its span, what its calls and messages carry, and what is left of it afterwards.</summary>
[Collection(Alone.Name)]
public sealed class ReceiveTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";
    private const string Sampled = $"00-{TraceId}-{SpanId}-01";

    private static readonly ActivitySource Shop = new("Shop.ReceiveTests");
    private static readonly ActivitySource Other = new("Other.ReceiveTests");

    [Theory]
    [InlineData("traceparent", Sampled)]
    [InlineData("Traceparent", Sampled)]
    [InlineData("b3", $"{TraceId}-{SpanId}-1")]
    [InlineData("B3", $"{TraceId}-{SpanId}-1-05e3ac9a4f6e3b90")]
    public void Receive_AnyFormat_IsAChildOfTheSender(string name, string value)
    {
        using var process = new TracedProcess();
        using (var handling = MessageTracing.Receive(Shop, "process orders", Message(name, value)))
        {
            handling.Activity!.SetTag("messaging.system", "kafka");
        }

        var span = Assert.Single(process.Stop());
        Assert.Equal((TraceId, SpanId, "process orders", "consumer", "kafka"), (span.TraceId, span.ParentId, span.Name, span.Kind, span.Tag("messaging.system")));
        Assert.Equal(0x300, span.Flags & 0x300);
        Assert.Empty(span.Links);
    }

    [Fact]
    public void Receive_HeadersOfB3_AreReadInAnySpelling()
    {
        using var process = new TracedProcess();
        MessageTracing.Receive(Shop, "process", Message("x-b3-traceid", TraceId, "x-b3-spanid", SpanId, "x-b3-sampled", "1")).Dispose();

        Assert.Equal(SpanId, Assert.Single(process.Stop()).ParentId);
    }

    [Fact]
    public async Task Receive_CallAndMessageOfTheHandling_AreInItsTrace()
    {
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess();
        using (MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled, "x-request-id", "AbC-1")))
        {
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        var spans = process.Stop();
        var span = spans.Single(s => s.Kind == "consumer");
        Assert.Equal((TraceId, span.SpanId), (spans.Client().TraceId, spans.Client().ParentId));
        Assert.Equal((spans.Client().SpanId, "AbC-1"), (server.Request["X-B3-SpanId"], server.Request["x-request-id"]));
        Assert.Equal((span.SpanId, "AbC-1"), (next["X-B3-SpanId"], next["x-request-id"]));
    }

    [Theory]
    [InlineData("traceparent", $"00-{TraceId}-{SpanId}-00")]
    [InlineData("b3", $"{TraceId}-{SpanId}-0")]
    [InlineData("b3", "0")]
    public async Task Receive_Unsampled_MakesNoSpanAnywhere(string name, string value)
    {
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess();
        using (MessageTracing.Receive(Shop, "process", Message(name, value)))
        {
            Other.StartActivity("query")?.Dispose();
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        Assert.Empty(process.Stop());
        Assert.Equal(("0", "0"), (server.Request["X-B3-Sampled"], next["X-B3-Sampled"]));
        if (value.Length > 1) Assert.Equal((TraceId, TraceId), (server.Request["X-B3-TraceId"], next["X-B3-TraceId"]));
    }

    [Theory]
    [InlineData("b3", $"{TraceId}-{SpanId}-d")]
    [InlineData("b3", "d")]
    [InlineData("X-B3-Flags", "1")]
    public async Task Receive_Debug_StaysDebugWhateverTheRatio(string name, string value)
    {
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0);
        using (MessageTracing.Receive(Shop, "process", Message(name, value)))
        {
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        Assert.Equal(["GET", "process"], process.Stop().Select(span => span.Name));
        Assert.Equal(("1", "1"), (server.Request["X-B3-Flags"], next["X-B3-Flags"]));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public void Receive_Deferred_IsDecidedHere(double ratio, int spans)
    {
        using var process = new TracedProcess(o => o.Sampling.Ratio = ratio);
        MessageTracing.Receive(Shop, "process", Message("b3", $"{TraceId}-{SpanId}")).Dispose();

        Assert.Equal(Enumerable.Repeat((TraceId, (string?)SpanId), spans), process.Stop().Select(span => (span.TraceId, span.ParentId)));
    }

    // The proxy of the sender has refreshed B3 only.
    [Fact]
    public void Receive_FormatsThatDiffer_TheFresherOneCounts()
    {
        using var process = new TracedProcess();
        MessageTracing.Receive(Shop, "process", Message(
            "traceparent", Sampled, "tracestate", $"mesh=p:{SpanId}", "X-B3-TraceId", TraceId, "X-B3-SpanId", "00f067aa0ba902b7", "X-B3-Sampled", "1")).Dispose();

        Assert.Equal("00f067aa0ba902b7", Assert.Single(process.Stop()).ParentId);
    }

    [Fact]
    public void Receive_FormatsOfTwoTraces_LinksToTheOther()
    {
        using var process = new TracedProcess();
        MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled, "tracestate", "a=b", "b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1")).Dispose();

        var span = Assert.Single(process.Stop());
        Assert.Equal((TraceId, "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"), (span.TraceId, Assert.Single(span.Links).Name));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(0, 0)]
    public void Receive_WithoutContext_BeginsATraceOfItsOwnByTheRatio(double ratio, int expected)
    {
        using var process = new TracedProcess(o => o.Sampling.Ratio = ratio);
        using (Other.StartActivity("poll"))
        {
            MessageTracing.Receive(Shop, "process", headers: null).Dispose();
        }

        var spans = process.Stop();
        Assert.Equal(expected, spans.Select(span => span.TraceId).Distinct().Count());
        Assert.All(spans, span => Assert.Null(span.ParentId));
    }

    [Fact]
    public void Receive_InsideASpan_BelongsToTheMessageAndGivesTheSpanBack()
    {
        using var process = new TracedProcess();
        using (var round = Other.StartActivity("round"))
        {
            using (MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled))) Other.StartActivity("query")!.Dispose();
            Assert.Same(round, Activity.Current);
        }

        var spans = process.Stop();
        var message = spans.Single(s => s.Name == "process");
        Assert.Equal((SpanId, message.SpanId, null), (message.ParentId, spans.Single(s => s.Name == "query").ParentId, spans.Single(s => s.Name == "round").ParentId));
    }

    [Fact]
    public void Receive_Link_IsARootWithALinkAndDecidesItself()
    {
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess();
        using (MessageTracing.Receive(Shop, "process", Message("traceparent", $"00-{TraceId}-{SpanId}-00", "x-request-id", "AbC-1", "baggage", "tenant=blue"), MessageRelation.Link))
        {
            MessageTracing.Inject(next);
        }

        var span = Assert.Single(process.Stop());
        Assert.NotEqual(TraceId, span.TraceId);
        Assert.Null(span.ParentId);
        var link = Assert.Single(span.Links);
        Assert.Equal(($"{TraceId}-{SpanId}", "message"), (link.Name, link.Tags["reason"]));
        Assert.Equal((span.SpanId, "tenant=blue"), (next["X-B3-SpanId"], next["baggage"]));
        // The id of the sender holds a decision of its proxies.
        Assert.NotEqual("AbC-1", next["x-request-id"]);
    }

    [Fact]
    public void Receive_LinkWithoutContext_IsARootWithoutLink()
    {
        using var process = new TracedProcess();
        MessageTracing.Receive(Shop, "process", Message("b3", "0"), MessageRelation.Link).Dispose();

        var span = Assert.Single(process.Stop());
        Assert.Equal((null, 0), (span.ParentId, span.Links.Count));
    }

    [Fact]
    public async Task Receive_InALoop_CarriesNothingIntoTheNextMessageOrThePoll()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess();
        Dictionary<string, string>[] messages =
            [Message("b3", $"{TraceId}-{SpanId}-d", "baggage", "tenant=blue", "x-request-id", "AbC-1"), Message("b3", "0", "baggage", "user=1"), []];
        var sent = new List<Dictionary<string, string>>();
        foreach (var message in messages)
        {
            await CallAsync(server);
            using var handling = MessageTracing.Receive(Shop, "process", message);
            await Task.Yield();
            var next = new Dictionary<string, string>();
            MessageTracing.Inject(next);
            sent.Add(next);
        }

        Assert.Equal(["1", "0", "1"], sent.Select(next => next["X-B3-Sampled"]));
        Assert.Equal(["1", null, null], sent.Select(next => next.GetValueOrDefault("X-B3-Flags")));
        Assert.Equal(["tenant=blue", "user=1", null], sent.Select(next => next.GetValueOrDefault("baggage")));
        Assert.Equal([null, null, null], server.Requests.Select(poll => poll["baggage"] ?? poll["X-B3-Flags"]));
        Assert.Equal(["1", "1", "1"], server.Requests.Select(poll => poll["X-B3-Sampled"]));
        Assert.DoesNotContain("AbC-1", server.Requests.Select(poll => poll["x-request-id"]));
        // Three polls and two messages, each a trace of its own.
        var spans = process.Stop();
        Assert.Equal((5, 5), (spans.Count, spans.Select(span => span.TraceId).Distinct().Count()));
    }

    [Fact]
    public async Task Receive_Disposed_GivesBaggageBackToTheFlowAndChangesNoOther()
    {
        using var process = new TracedProcess();
        Baggage.SetBaggage("tenant", "own");
        using var isRead = new ManualResetEventSlim();
        var other = Task.Run(() =>
        {
            isRead.Wait();
            return Baggage.GetBaggage("tenant");
        });
        using (var handling = MessageTracing.Receive(Shop, "process", Message("baggage", "tenant=blue")))
        {
            Assert.Equal(("blue", "blue"), (Baggage.GetBaggage("tenant"), handling.Activity!.GetBaggageItem("tenant")));
            isRead.Set();
            Assert.Equal("own", await other);
            Baggage.SetBaggage("more", "1");
        }

        Assert.Equal([KeyValuePair.Create("tenant", "own")], Baggage.Current.GetBaggage());
    }

    [Fact]
    public void Receive_WithoutBaggage_HasNoneOfTheFlowAround()
    {
        using var process = new TracedProcess();
        Baggage.SetBaggage("tenant", "own");
        using (MessageTracing.Receive(Shop, "process", Message())) Assert.Equal(0, Baggage.Current.Count);
    }

    [Fact]
    public void Receive_BaggageKeysForSpans_AreItsAttributes()
    {
        using var process = new TracedProcess(o => o.Enrich.BaggageKeys.Add("tenant"));
        MessageTracing.Receive(Shop, "process", Message("baggage", "tenant=blue")).Dispose();

        Assert.Equal("blue", Assert.Single(process.Stop()).Tag("tenant"));
    }

    [Fact]
    public void Receive_SpanAroundHasEnded_DoesNotComeBack()
    {
        using var process = new TracedProcess();
        var round = Other.StartActivity("round")!;
        using (MessageTracing.Receive(Shop, "process", Message())) round.Dispose();

        Assert.Null(Activity.Current);
    }

    [Fact]
    public void Dispose_Twice_RestoresOnce()
    {
        using var process = new TracedProcess();
        var handling = MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled));
        handling.Dispose();
        using var later = Other.StartActivity("later");
        handling.Dispose();

        Assert.Same(later, Activity.Current);
    }

    [Fact]
    public async Task Receive_SourceLeftOut_CallsAndMessagesAreChildrenOfTheSender()
    {
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess(o => o.Ignore.Sources.Add(Shop.Name));
        using (var handling = MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled, "tracestate", "vendor=1", "baggage", "tenant=blue")))
        {
            Assert.Null(handling.Activity);
            Assert.Equal(TraceId, Activity.Current!.TraceId.ToHexString());
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        var call = Assert.Single(process.Stop());
        Assert.Equal((TraceId, SpanId), (call.TraceId, call.ParentId));
        Assert.Equal((call.SpanId, "tenant=blue"), (server.Request["X-B3-SpanId"], server.Request["baggage"]));
        Assert.Equal((Sampled, $"mesh=p:{SpanId},vendor=1", "tenant=blue"), (next["traceparent"], next["tracestate"], next["baggage"]));
        Assert.Null(Activity.Current);
    }

    [Theory]
    [InlineData($"{TraceId}-{SpanId}-0", 0, "0", null)]
    [InlineData($"{TraceId}-{SpanId}-d", 1, "1", "1")]
    [InlineData("0", 0, "0", null)]
    public async Task Receive_SourceLeftOut_TheDecisionHolds(string b3, int spans, string sampled, string? flags)
    {
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess(o => o.Ignore.Sources.Add(Shop.Name));
        using (MessageTracing.Receive(Shop, "process", Message("b3", b3)))
        {
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        Assert.Equal(spans, process.Stop().Count);
        Assert.Equal((sampled, flags), (server.Request["X-B3-Sampled"], server.Request["X-B3-Flags"]));
        Assert.Equal((sampled, flags), (next["X-B3-Sampled"], next.GetValueOrDefault("X-B3-Flags")));
    }

    [Fact]
    public async Task Receive_SourceLeftOutAndNoContext_CallBeginsATrace()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => o.Ignore.Sources.Add(Shop.Name));
        using (MessageTracing.Receive(Shop, "process", Message())) await CallAsync(server);

        var call = Assert.Single(process.Stop());
        Assert.Equal((null, call.SpanId, "1"), (call.ParentId, server.Request["X-B3-SpanId"], server.Request["X-B3-Sampled"]));
    }

    [Theory]
    [InlineData(MessageRelation.Parent)]
    [InlineData(MessageRelation.Link)]
    public async Task Receive_ForwardMode_CallsAndMessagesCarryWhatCameIn(MessageRelation relation)
    {
        var message = Message(
            "traceparent", Sampled, "tracestate", "vendor=1,  other = x", "X-B3-TraceId", TraceId, "X-B3-SpanId", SpanId, "X-B3-Flags", "1", "baggage", "user = 1 ;secret", "x-request-id", "AbC-1");
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess(o => o.Mode = MeshTracingMode.Forward);
        using (var handling = MessageTracing.Receive(Shop, "process", message, relation))
        {
            Assert.Null(handling.Activity);
            Assert.Equal(TraceId, Activity.Current!.TraceId.ToHexString());
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        var afterwards = new Dictionary<string, string>();
        MessageTracing.Inject(afterwards);

        Assert.Equal(message.OrderBy(header => header.Key), next.OrderBy(header => header.Key));
        Assert.Equal(
            message.Select(Normalized).Order(),
            server.Request.Headers.Where(header => header.Key != "Host").Select(Normalized).Order());
        Assert.Empty(afterwards);
        Assert.Empty(process.Stop());
    }

    [Fact]
    public void Receive_ForwardModeEmptyTraceState_MessagesCarryIt()
    {
        var message = Message("traceparent", Sampled, "tracestate", "", "b3", "0");
        var next = new Dictionary<string, string>();
        using var process = new TracedProcess(o => o.Mode = MeshTracingMode.Forward);
        using (MessageTracing.Receive(Shop, "process", message)) MessageTracing.Inject(next);

        Assert.Equal(message.OrderBy(header => header.Key), next.OrderBy(header => header.Key));
    }

    [Fact]
    public async Task Receive_ForwardModeWithoutContext_CarriesNothing()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => o.Mode = MeshTracingMode.Forward);
        using (MessageTracing.Receive(Shop, "process", Message())) await CallAsync(server);

        Assert.Equal(["Host"], server.Request.Headers.Select(header => header.Key));
    }

    // A loop that a health check has started must handle messages as any other.
    [Fact]
    public async Task Receive_InARequestThatIsLeftOut_IsTracedByItsOwnContext()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/healthz", () =>
        {
            using (MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled))) Other.StartActivity("query")?.Dispose();
            Other.StartActivity("check")?.Dispose();
        }));
        await service.GetAsync("/healthz");
        await service.StopAsync();

        Assert.Equal([(TraceId, "query"), (TraceId, "process")], service.Sink.Spans.Select(span => (span.TraceId, span.Name)));
    }

    [Fact]
    public async Task Receive_InARequest_GivesItsContextBack()
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                MessageTracing.Receive(Shop, "process", Message("b3", "0", "x-request-id", "of-the-message")).Dispose();
                await CallAsync(server);
            },
            headers: [$"b3: {TraceId}-{SpanId}-d", "x-request-id: AbC-1", "baggage: tenant=blue"]);

        Assert.Equal(spans.Server().SpanId, spans.Client().ParentId);
        Assert.Equal(("1", "AbC-1", "tenant=blue"), (server.Request["X-B3-Flags"], server.Request["x-request-id"], server.Request["baggage"]));
    }

    [Theory]
    [InlineData("traceparent", "")]
    [InlineData("traceparent", "00-xyz")]
    [InlineData("traceparent", null)]
    [InlineData("b3", "\r\n\u00e9\0")]
    [InlineData("X-B3-TraceId", "0000000000000000")]
    [InlineData("baggage", ";;;===")]
    public void Receive_BadHeaders_CountAsNone(string name, string? value)
    {
        using var process = new TracedProcess();
        MessageTracing.Receive(Shop, "process", Message(name, value!)).Dispose();

        Assert.Null(Assert.Single(process.Stop()).ParentId);
    }

    // A server refuses a request with such headers, and the queue has no limit of its own.
    [Theory]
    [InlineData(MeshTracingMode.Record, "x-request-id")]
    [InlineData(MeshTracingMode.Record, "baggage")]
    [InlineData(MeshTracingMode.Forward, "tracestate")]
    [InlineData(MeshTracingMode.Forward, "baggage")]
    public async Task Receive_HeaderThatNoServerTakes_CountsAsMissing(MeshTracingMode mode, string name)
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => o.Mode = mode);
        using (MessageTracing.Receive(Shop, "process", Message("traceparent", Sampled, name, "a=" + new string('b', 100_000))))
        {
            await CallAsync(server);
        }

        Assert.Contains(TraceId, server.Request["traceparent"], StringComparison.Ordinal);
        Assert.True(server.Request[name] is not { Length: > 1000 });
    }

    [Fact]
    public void Receive_GetterThrowsForOneHeader_ReadsTheOthers()
    {
        using var process = new TracedProcess();
        MessageTracing.Receive(Shop, "process", Message("b3", $"{TraceId}-{SpanId}-1"), static (carrier, name) =>
            name == "traceparent" ? throw new InvalidOperationException("No such header here.") : carrier.TryGetValue(name, out var value) ? [value] : null).Dispose();

        Assert.Equal(SpanId, Assert.Single(process.Stop()).ParentId);
    }

    [Fact]
    public void Receive_FormatThatIsNotConfigured_IsNotRead()
    {
        using var process = new TracedProcess(o =>
        {
            o.Propagation.Formats.Clear();
            o.Propagation.Formats.Add("tracecontext");
        });
        MessageTracing.Receive(Shop, "process", Message("b3", $"{TraceId}-{SpanId}-1")).Dispose();

        Assert.Null(Assert.Single(process.Stop()).ParentId);
    }

    [Fact]
    public async Task Receive_TracingHasNotStarted_CarriesTheTraceAsThePlatformDoes()
    {
        await using var server = new WireServer();
        var next = new Dictionary<string, string>();
        using (var handling = MessageTracing.Receive(Shop, "process", Message("b3", $"{TraceId}-{SpanId}-1", "baggage", "tenant=blue")))
        {
            Assert.Null(handling.Activity);
            Assert.Equal("blue", Baggage.GetBaggage("tenant"));
            await CallAsync(server);
            MessageTracing.Inject(next);
        }

        Assert.Equal($"00-{TraceId}-", server.Request["traceparent"]![..36]);
        Assert.Equal($"00-{TraceId}-", next["traceparent"][..36]);
        Assert.Equal("01", next["traceparent"][^2..]);
        Assert.Equal((null, 0), (Activity.Current, Baggage.Current.Count));
    }

    [Theory]
    [InlineData(MeshTracingMode.Record)]
    [InlineData(MeshTracingMode.Forward)]
    public void Extract_ForALink_FindsTheSenderAndChangesNothing(MeshTracingMode mode)
    {
        using var process = new TracedProcess(o => o.Mode = mode);
        var context = MessageTracing.Extract(Message("b3", $"{TraceId}-{SpanId}-1", "baggage", "tenant=blue"));

        Assert.Equal((TraceId, SpanId, ActivityTraceFlags.Recorded, true), (context.TraceId.ToHexString(), context.SpanId.ToHexString(), context.TraceFlags, context.IsRemote));
        Assert.Equal((null, 0), (Activity.Current, Baggage.Current.Count));
    }

    [Fact]
    public void Extract_OfABatch_LinksTheMessagesThatHaveAContext()
    {
        using var process = new TracedProcess();
        Dictionary<string, string>[] batch = [Message("b3", $"{TraceId}-{SpanId}-1"), [], Message("traceparent", $"00-{TraceId}-00f067aa0ba902b7-00")];
        var links = batch.Select(message => new ActivityLink(MessageTracing.Extract(message)));
        Shop.StartActivity("process orders", ActivityKind.Consumer, parentContext: default, links: links)!.Dispose();

        Assert.Equal([$"{TraceId}-{SpanId}", $"{TraceId}-00f067aa0ba902b7"], Assert.Single(process.Stop()).Links.Select(link => link.Name));
    }

    [Fact]
    public void Receive_Nulls_AreRefused()
    {
        Assert.Throws<ArgumentNullException>("source", () => MessageTracing.Receive(null!, "process", Message()));
        Assert.Throws<ArgumentNullException>("name", () => MessageTracing.Receive(Shop, null!, Message()));
        Assert.Throws<ArgumentNullException>("getter", () => MessageTracing.Receive(Shop, "process", "", null!));
        Assert.Throws<ArgumentNullException>("getter", () => MessageTracing.Extract("", null!));
    }

    // HttpClient has its own spelling of known names, and one space for several.
    private static string Normalized(KeyValuePair<string, string> header) => $"{header.Key.ToLowerInvariant()}: {header.Value.Replace("  ", " ", StringComparison.Ordinal)}";

    private static async Task CallAsync(WireServer server)
    {
        using var client = new HttpClient();
        (await client.GetAsync(server.Address)).Dispose();
    }

    private static Dictionary<string, string> Message(params string[] pairs)
    {
        var message = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < pairs.Length; i += 2) message[pairs[i]] = pairs[i + 1];
        return message;
    }
}
