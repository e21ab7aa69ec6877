using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Buffer;
using Tracing.Sdk.Export.Console;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;
using Tracing.Sdk.Tests.Otlp;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export;

public sealed class SpanExporterTests
{
    [Fact]
    public void Request_Otlp_HasTheHeaders()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(
            new Uri(collector.Endpoint, "/base/v1/traces?tenant=1"),
            settings => settings with { Headers = [new("authorization", "Bearer x"), new("x-tenant", "1")] });
        Assert.True(exporter.Add().Flush());
        var request = collector.Take();
        Assert.Equal("POST /base/v1/traces?tenant=1 HTTP/1.1", request.Line);
        Assert.Equal("application/x-protobuf", request.Headers["Content-Type"]);
        Assert.Equal(("0", "Bearer x", "1"), (request.Headers["b3"], request.Headers["authorization"], request.Headers["x-tenant"]));
        Assert.Matches("^Tracing.Sdk/.+ OTel-OTLP-Exporter-dotnet/", request.Headers["User-Agent"]);
        Assert.Equal($"localhost:{collector.Port}", request.Headers["Host"]);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", request.Headers["traceparent"]);
        Assert.Empty(request.Headers.Keys.Intersect(["tracestate", "baggage", "x-request-id", "Content-Encoding"], StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public void Request_InsideATrace_CarriesNothingOfIt()
    {
        using var collector = new ScriptedCollector();
        using var outer = new Activity("outer").Start();
        outer.AddBaggage("k", "v");
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.True(exporter.Add().Flush());
        var headers = collector.Take().Headers;
        Assert.DoesNotContain(headers.Keys, key => key is "tracestate" or "baggage" or "Correlation-Context");
        Assert.DoesNotContain(outer.TraceId.ToHexString(), headers["traceparent"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Request_Gzip_IsSmallerAndTheSame(bool isJson)
    {
        using var collector = new ScriptedCollector();
        using var plain = new ExporterUnderTest(collector.Endpoint, settings => isJson ? ExporterUnderTest.AsOtlpJson(settings) : settings).Add(20);
        using var zipped = new ExporterUnderTest(collector.Endpoint, settings => (isJson ? ExporterUnderTest.AsOtlpJson(settings) : settings) with { Gzip = true }).Add(20);
        Assert.True(plain.Flush());
        Assert.True(zipped.Flush());
        var (one, other) = (collector.Take(), collector.Take());
        Assert.Equal(one.Content, other.Content);
        Assert.True(other.Body.Length < one.Body.Length / 4);
    }

    [Fact]
    public void Request_SpansOfSeveralScopes_AreGrouped()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        using var other = new ActivitySource(new ActivitySourceOptions("other") { Version = "2", TelemetrySchemaUrl = "https://schema/2", Tags = [new("k", 1)] });
        using var listener = TestSpan.Listen(other);
        exporter.Add(TestSpan.Make(name: "a")).Add(TestSpan.Make(name: "b", source: other)).Add(TestSpan.Make(name: "c"));
        Assert.True(exporter.Flush());
        var resource = Assert.Single(ExportTraceServiceRequest.Parser.ParseFrom(collector.Take().Body).ResourceSpans);
        Snapshot.Match(new Google.Protobuf.JsonFormatter(Google.Protobuf.JsonFormatter.Settings.Default.WithIndentation()).Format(resource));
    }

    [Theory]
    [InlineData(1024, 512)]
    [InlineData(64, 32)]
    public void Request_HalfOfTheQueueInSpansOfFourScopes_IsSentAtOnce(int queue, int batch)
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { MaxQueuedSpans = queue, MaxBatchSpans = batch });
        ActivitySource[] sources = [.. Enumerable.Range(0, 4).Select(i => new ActivitySource($"scope {i}"))];
        ActivityListener[] listeners = [.. sources.Select(TestSpan.Listen)];
        for (var i = 0; i < queue / 2; i++) exporter.Add(TestSpan.Make(source: sources[i % sources.Length]));

        Assert.Equal(queue / 2, collector.Take().Spans);
        Array.ForEach(listeners, listener => listener.Dispose());
        Array.ForEach(sources, source => source.Dispose());
    }

    [Fact]
    public void Request_OtlpJson_IsOneDocument()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, ExporterUnderTest.AsOtlpJson);
        exporter.Add(TestSpan.Make(name: "a")).Add(TestSpan.Make(name: "b"));
        Assert.True(exporter.Flush());
        var request = collector.Take();
        Assert.Equal("application/json", request.Headers["Content-Type"]);
        Snapshot.Match(JsonNode.Parse(request.Body)!.ToJsonString(new() { WriteIndented = true }));
    }

    [Fact]
    public void Request_Zipkin_IsAListThatBeginsWithABracket()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(202) };
        using var exporter = new ExporterUnderTest(collector.Endpoint, ExporterUnderTest.AsZipkin).Add(2);
        Assert.True(exporter.Flush());
        var request = collector.Take();
        Assert.Equal((byte)'[', request.Body[0]);
        Assert.Equal(2, JsonNode.Parse(request.Body)!.AsArray().Count);
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Request_Zipkin_HasAtMostOneMebibyte()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(202) };
        using var exporter = new ExporterUnderTest(collector.Endpoint, ExporterUnderTest.AsZipkin);
        for (var i = 0; i < 8; i++) exporter.Add(TestSpan.With("k", new string('x', 300_000)));
        Assert.True(exporter.Flush());
        Assert.Equal(8, collector.Requests.Sum(request => JsonNode.Parse(request.Body)!.AsArray().Count));
        Assert.All(collector.Requests, request => Assert.InRange(request.Body.Length, 1, 1024 * 1024));
    }

    [Fact]
    public void Add_ManySpans_GoInBatches()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { MaxBatchSpans = 10 }).Add(25);
        Assert.True(exporter.Flush());
        Assert.Equal(25, collector.Requests.Sum(request => request.Spans));
        Assert.All(collector.Requests, request => Assert.InRange(request.Spans, 1, 10));
    }

    [Fact]
    public void Add_FullBatch_GoesWithoutWaitingForItsAge()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { MaxBatchSpans = 10 }).Add(10);
        Assert.Equal(10, collector.Take().Spans);
    }

    [Fact]
    public void Add_OneSpan_GoesWhenItIsOldEnough()
    {
        using var collector = new ScriptedCollector();
        // The clock jumps to the end of a pause, so the batch is old as soon as the exporter waits.
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { BatchDelay = TimeSpan.FromMinutes(9) }).Add();
        Assert.Equal(1, collector.Take().Spans);
        Assert.Contains(exporter.Time.Pauses, pause => pause > TimeSpan.FromMinutes(8));
    }

    [Fact]
    public void Add_BufferIsFull_CountsAndKeepsErrors()
    {
        using var collector = new ScriptedCollector { Otherwise = Hang };
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { MaxQueuedSpans = 80 });
        exporter.Add(100).Add(100, isError: true);
        exporter.AssertCounts(dropped: 120, reason: DropReason.QueueFull, inFlight: 80);
    }

    [Fact]
    public void Add_HugeSpan_IsCountedAndTheOthersGo()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        exporter.Add(TestSpan.With("k", new string('x', 5 * 1024 * 1024)));
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2, dropped: 1, reason: DropReason.TooLarge);
    }

    [Fact]
    public void Add_AfterShutdown_IsCounted()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        exporter.Shutdown();
        exporter.Add(2);
        exporter.AssertCounts(exported: 1, dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Shutdown_SpansInTheBuffer_AreSent()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(3);
        exporter.Shutdown();
        exporter.Shutdown();
        exporter.AssertCounts(exported: 3);
    }

    [Fact]
    public void Flush_NothingToDo_IsDoneAtOnce()
    {
        using var exporter = new ExporterUnderTest(FaultTests.Unused());
        Assert.True(exporter.Flush());
    }

    [Fact]
    public void Flush_AfterShutdown_IsRefused()
    {
        using var exporter = new ExporterUnderTest(FaultTests.Unused());
        exporter.Shutdown();
        Assert.False(exporter.Flush());
    }

    [Fact]
    public void Add_StoppedTwiceAndChangedAfterwards_IsWhatItWas()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        var activity = TestSpan.With("k", "before");
        exporter.Add(activity);
        activity.SetTag("k", "after");
        activity.Stop();
        Assert.True(exporter.Flush());
        var span = ExportTraceServiceRequest.Parser.ParseFrom(collector.Take().Body).ResourceSpans[0].ScopeSpans[0].Spans[0];
        Assert.Equal("before", Assert.Single(span.Attributes).Value.StringValue);
    }

    [Fact]
    public void Export_OneCollectorHangs_TheOtherGetsItsSpans()
    {
        using var hanging = new ScriptedCollector { Otherwise = Hang };
        using var healthy = new ScriptedCollector();
        using var slow = new ExporterUnderTest(hanging.Endpoint).Add();
        using var fast = new ExporterUnderTest(healthy.Endpoint).Add();
        hanging.OnRequest = _ => { };
        Assert.True(fast.Flush());
        slow.AssertCounts(inFlight: 1);
    }

    [Fact]
    public void Export_UsersHandler_GetsTheRequests()
    {
        var handler = new CountingHandler();
        using var exporter = new ExporterUnderTest(FaultTests.Unused(), settings => settings with { HandlerFactory = () => handler }).Add(2);
        Assert.True(exporter.Flush());
        Assert.Equal(1, handler.Requests);
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_HandlerThatSendsTheBodyTwiceAtOnce_BothAreWhole()
    {
        var handler = new HedgingHandler();
        using var exporter = new ExporterUnderTest(FaultTests.Unused(), settings => settings with { HandlerFactory = () => handler });
        // More than one copy takes.
        for (var i = 0; i < 100; i++) exporter.Add(TestSpan.With("text", new string('x', 4000)));
        Assert.True(exporter.Flush());
        Assert.Equal(handler.First, handler.Second);
        Assert.Equal(handler.First.Length, handler.Length);
    }

    [Fact]
    public void Export_NoMemoryForARequest_IsTriedAgain()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { Headers = new OutOfMemory() }).Add(2);
        Assert.False(exporter.Flush());
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Console_Span_IsALine()
    {
        var output = new MemoryStream();
        var batch = new SpanBatch(10, 1000);
        var buffer = new SpanBuffer(1024 * 1024, 512, null);
        buffer.Append("a span\n"u8, 0, false, out _);
        buffer.Seal();
        buffer.TryTake(batch);
        using var console = new ConsoleTransport(output);
        console.Prepare(batch);
        Assert.Equal(SendOutcome.Accepted, console.Send(TimeSpan.FromSeconds(1), CancellationToken.None).Outcome);
        Assert.Equal("a span\n"u8.ToArray(), output.ToArray());
    }

    /// <summary>A handler with SendAsync only, like most handlers.</summary>
    private sealed class CountingHandler : HttpMessageHandler
    {
        public int Requests { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests++;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
        }
    }

    /// <summary>Begins the second copy in the middle of the first.</summary>
    private sealed class HedgingHandler : HttpMessageHandler
    {
        public byte[] First { get; private set; } = [];

        public byte[] Second { get; private set; } = [];

        public long? Length { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var content = request.Content!;
            using var first = new InterruptedStream(() => Second = Copy(content));
            await content.CopyToAsync(first, cancellationToken);
            (First, Length) = (first.ToArray(), content.Headers.ContentLength);
            return new HttpResponseMessage(HttpStatusCode.OK);
        }

        private static byte[] Copy(HttpContent content)
        {
            using var copy = new MemoryStream();
            content.CopyTo(copy, null, CancellationToken.None);
            return copy.ToArray();
        }
    }

    /// <summary>Runs an action before it reads the first bytes.</summary>
    private sealed class InterruptedStream(Action interrupt) : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Length == 0) interrupt();
            return base.WriteAsync(buffer, cancellationToken);
        }
    }

    /// <summary>Throws an exception that no request throws.</summary>
    private sealed class OutOfMemory : IReadOnlyList<KeyValuePair<string, string>>
    {
        private int _failures;

        public int Count => 1;

        public KeyValuePair<string, string> this[int index] => throw new InvalidOperationException();

        public IEnumerator<KeyValuePair<string, string>> GetEnumerator() =>
            _failures++ == 0 ? throw new InsufficientMemoryException() : Enumerable.Empty<KeyValuePair<string, string>>().GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
