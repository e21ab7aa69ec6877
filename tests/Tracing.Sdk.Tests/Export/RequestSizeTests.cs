using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;
using Tracing.Sdk.Tests.Export.Grpc;

namespace Tracing.Sdk.Tests.Export;

/// <summary>Requests are no larger than receivers take. A batch that is refused for its size is halved, and each of its spans is sent once or counted.</summary>
public sealed partial class RequestSizeTests : IDisposable
{
    private const int MiB = 1024 * 1024;
    private const string Go = "grpc: received message larger than max (5000000 vs. 4194304)";

    private readonly Receiver _receiver = new();

    public static TheoryData<string, int, string?> Refusals => new()
    {
        { "protobuf", 413, "" },
        { "protobuf", 400, "http: request body too large" },
        { "json", 413, "" },
        { "json", 400, "http: request body too large" },
        { "zipkin", 413, "" },
        { "zipkin", 400, "http: request body too large" },
        { "zipkin", 400, "unexpected end of JSON input" },
        { "grpc", 8, Go },
        { "grpc", 8, "grpc: received message after decompression larger than max 4194304" },
        { "grpc", 8, "Received message exceeds the maximum configured message size." },
        { "grpc", 8, "gRPC message exceeds maximum size 4194304: 5000000" },
        { "grpc", 11, "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes" },
        { "grpc", 2, "Payload Too Large" },
        { "grpc", 8, null },
        { "grpc", 413, "" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Batch_RefusedForItsSize_IsHalvedUntilItIsTaken(string format, int status, string? words)
    {
        _receiver.Refuse(status, words, maxBytes: 100_000);
        using var exporter = Exporter(format);
        AddMarked(exporter, 40, 10_000);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 40);
        Assert.Equal(Enumerable.Range(0, 40), _receiver.TakenMarks);
        Assert.Equal(_receiver.Refused, exporter.Metrics.Retries);

        // The smaller limit is kept.
        var refused = _receiver.Refused;
        AddMarked(exporter, 40, 10_000);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 80);
        Assert.Equal(refused, _receiver.Refused);
    }

    [Theory]
    [InlineData("protobuf", 413, "")]
    [InlineData("zipkin", 413, "")]
    [InlineData("grpc", 8, Go)]
    public void Span_RefusedAlone_IsCountedAndTheOthersPass(string format, int status, string words)
    {
        _receiver.Refuse(status, words, maxBytes: 100_000);
        using var exporter = Exporter(format);
        AddMarked(exporter, 5, 1_000);
        exporter.Add(TestSpan.With("large", new string('x', 200_000)));
        AddMarked(exporter, 5, 1_000, first: 5);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(exported: 10, dropped: 1, reason: DropReason.TooLarge);
        Assert.Equal(Enumerable.Range(0, 10), _receiver.TakenMarks);
    }

    [Fact]
    public void Warning_Refused_SaysThatBatchesBecomeSmaller()
    {
        _receiver.Refuse(8, Go, maxBytes: 100_000);
        using var exporter = Exporter("grpc");
        AddMarked(exporter, 40, 10_000);
        Assert.True(exporter.Flush());
        Assert.EndsWith(
            $"answered RESOURCE_EXHAUSTED: {Go}. Smaller batches are sent from now on. To begin with them, lower MeshTracing:Export:Batch:MaxSize, or raise the limit there.",
            exporter.Log.Lines[0],
            StringComparison.Ordinal);
        Assert.Equal(2, exporter.Log.Lines.Count);
    }

    [Fact]
    public void Warning_RefusedAlone_SaysThatTheSpanIsLost()
    {
        _receiver.Refuse(413, "", maxBytes: 100_000);
        using var exporter = Exporter("protobuf").Add(TestSpan.With("large", new string('x', 200_000)));
        Assert.False(exporter.Flush());
        Assert.EndsWith(
            "answered 413. The request held a single span, which is lost. Lower MeshTracing:Limits:MaxAttributeLength, or raise the limit there.",
            Assert.Single(exporter.Log.Lines),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, "quota exceeded for this project")]
    [InlineData(8, "at most 100 messages a second")]
    [InlineData(3, "attribute value too large")]
    [InlineData(13, "too large")]
    public void Batch_RefusedForAnotherReason_IsNotHalved(int status, string words)
    {
        _receiver.Refuse(status, words, maxBytes: 100_000);
        using var exporter = Exporter("grpc");
        AddMarked(exporter, 40, 10_000);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 40, reason: DropReason.Rejected);
        Assert.Equal(1, _receiver.Refused);
    }

    // Nothing in the answer tells a quota from a limit; so small a message is refused by no limit.
    [Fact]
    public void Batch_SmallAndExhaustedWithoutAWord_IsNotHalved()
    {
        _receiver.Refuse(8, null, maxBytes: 0);
        using var exporter = Exporter("grpc").Add(20);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 20, reason: DropReason.Rejected);
        Assert.Equal(1, _receiver.Refused);
    }

    // A proxy that is wrongly configured for a while must not leave the exporter with one span in each request.
    [Fact]
    public void Batch_EverythingWasRefused_LaterBatchesAreNotTiny()
    {
        _receiver.Refuse(413, "", maxBytes: 0);
        using var exporter = Exporter("protobuf");
        AddMarked(exporter, 20, 100);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 20, reason: DropReason.TooLarge);
        _receiver.Refuse(413, "", maxBytes: 100_000);
        AddMarked(exporter, 20, 100);
        Assert.True(exporter.Flush());
        Assert.Equal(1, _receiver.Taken);
    }

    [Theory]
    [InlineData("protobuf", 413, "")]
    [InlineData("grpc", 8, Go)]
    public void Shutdown_LastBatchIsRefusedForItsSize_IsHalved(string format, int status, string words)
    {
        _receiver.Refuse(status, words, maxBytes: 100_000);
        using var exporter = Exporter(format);
        AddMarked(exporter, 40, 10_000);
        exporter.Shutdown();
        exporter.AssertCounts(exported: 40);
        Assert.Equal(Enumerable.Range(0, 40), _receiver.TakenMarks);
    }

    [Fact]
    public void Batch_RefusedForNowAndThenForItsSize_IsHalved()
    {
        _receiver.Refuse(8, Go, maxBytes: 100_000);
        _receiver.Grpc.Then(GrpcCollector.Status(14), GrpcCollector.Status(14));
        using var exporter = Exporter("grpc");
        AddMarked(exporter, 40, 10_000);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 40);
        Assert.Equal(Enumerable.Range(0, 40), _receiver.TakenMarks);
    }

    [Theory]
    [InlineData("grpc", 4 * MiB)]
    [InlineData("protobuf", 20 * MiB)]
    [InlineData("json", 20 * MiB)]
    public void Request_LargeResourceScopesAndSpans_StaysBelowTheLimit(string format, int maxBytes)
    {
        _receiver.Refuse(format == "grpc" ? 8 : 413, "message too large", maxBytes);
        var resource = new Sdk.Export.Encoding.Resource([new("service.name", "my.service"), new("large", new string('r', MiB))]);
        using var exporter = Exporter(format, resource);
        for (var i = 0; i < 60; i++)
        {
            using var source = new ActivitySource($"scope {i % 30}", "1", [new("large", new string('s', 150_000))]);
            using var listener = TestSpan.Listen(source);
            var span = i;
            exporter.Add(TestSpan.Make(activity => activity.AddTag("mark", $"<{span:0000}>{new string('x', span * 7_919 % 400_000)}"), source: source));
        }

        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 60);
        Assert.Equal(Enumerable.Range(0, 60), _receiver.TakenMarks.Order());
        Assert.Equal(0, _receiver.Refused);
    }

    [Theory]
    [InlineData("grpc")]
    [InlineData("protobuf")]
    [InlineData("json")]
    public void Resource_WithAnAttributeOfMegabytes_GoesWithoutIt(string format)
    {
        _receiver.Refuse(413, "", maxBytes: 100_000);
        var resource = new Sdk.Export.Encoding.Resource([new("service.name", "my.service"), new("large", new string('r', 20 * MiB)), new("host.name", "my.host")]);
        using var exporter = Exporter(format, resource).Add();
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 1);
        var message = format == "grpc" ? _receiver.Grpc.Take().Message : _receiver.Http.Take().Content;
        Assert.Contains("my.host", System.Text.Encoding.Latin1.GetString(message), StringComparison.Ordinal);
    }

    [Fact]
    public void Span_AtTheLimitOfGrpc_IsSentUpToItAndCountedBeyondIt()
    {
        const int length = MiB;
        // Bytes that are reserved for lengths, and not always needed.
        const int reserve = 32;
        using var exporter = Exporter("grpc");
        Assert.True(exporter.Add(TestSpan.With("large", new string('x', length))).Flush());
        var envelope = _receiver.Grpc.Take().Message.Length - length;
        Assert.True(exporter.Add(TestSpan.With("large", new string('x', (4 * MiB) - envelope - reserve))).Flush());
        Assert.InRange(_receiver.Grpc.Take().Message.Length, (4 * MiB) - (2 * reserve), 4 * MiB);
        exporter.Add(TestSpan.With("large", new string('x', (4 * MiB) - envelope + 1))).Flush();
        exporter.AssertCounts(exported: 2, dropped: 1, reason: DropReason.TooLarge);
        Assert.Equal(2, _receiver.Grpc.Calls.Count);
    }

    public void Dispose() => _receiver.Dispose();

    private static void AddMarked(ExporterUnderTest exporter, int count, int length, int first = 0)
    {
        for (var i = first; i < first + count; i++) exporter.Add(TestSpan.With("mark", $"<{i:0000}>{new string('x', length)}"));
    }

    private ExporterUnderTest Exporter(string format, Sdk.Export.Encoding.Resource? resource = null) => new(
        format == "grpc" ? _receiver.Grpc.Endpoint : _receiver.Http.Endpoint,
        settings => format switch
        {
            "grpc" => ExporterUnderTest.AsOtlpGrpc(settings),
            "json" => ExporterUnderTest.AsOtlpJson(settings),
            "zipkin" => ExporterUnderTest.AsZipkin(settings),
            _ => settings,
        } with { MaxQueueBytes = 64 * MiB },
        resource: resource);

    /// <summary>A receiver of each protocol that refuses what is too large.</summary>
    private sealed partial class Receiver : IDisposable
    {
        private readonly ConcurrentQueue<int> _marks = new();
        private int _refused;
        private int _taken;

        public ScriptedCollector Http { get; } = new();
        public GrpcCollector Grpc { get; } = new();
        public int Refused => Volatile.Read(ref _refused);
        public int Taken => Volatile.Read(ref _taken);

        /// <summary>The spans that were taken, in the order of the requests.</summary>
        public IEnumerable<int> TakenMarks => _marks;

        /// <param name="status">A status of gRPC when it is below 100.</param>
        /// <param name="words">What the receiver says.</param>
        /// <param name="maxBytes">What it takes.</param>
        public void Refuse(int status, string? words, int maxBytes)
        {
            Http.OnRequest = request => Http.Otherwise = Takes(request.Content, maxBytes) ? ScriptedCollector.Reply(200) : ScriptedCollector.Reply(status, words!, "Content-Type: text/plain");
            var refusal = status < 100 ? GrpcCollector.Status(status, words) : GrpcCollector.OverHttp(status, words!);
            Grpc.Otherwise = context => (Takes(Grpc.Calls.Last().Message, maxBytes) ? GrpcCollector.Status(0) : refusal)(context);
        }

        public void Dispose()
        {
            Http.Dispose();
            Grpc.Dispose();
        }

        private bool Takes(byte[] message, int maxBytes)
        {
            if (message.Length > maxBytes)
            {
                Interlocked.Increment(ref _refused);
                return false;
            }

            Interlocked.Increment(ref _taken);
            foreach (Match mark in Mark().Matches(System.Text.Encoding.Latin1.GetString(message)))
                _marks.Enqueue(int.Parse(mark.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
            return true;
        }

        // JSON escapes the angle brackets.
        [GeneratedRegex(@"(?:<|\\u003c)(\d{4})(?:>|\\u003e)", RegexOptions.IgnoreCase)]
        private static partial Regex Mark();
    }
}
