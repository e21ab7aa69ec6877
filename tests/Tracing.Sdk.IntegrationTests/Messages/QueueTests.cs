using MeshDemo.Processes;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Messages;

/// <summary>A real RabbitMQ, a collector, and the meshes around them, each started when the first test wants it.</summary>
public sealed class QueueFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("queue-");
    private readonly List<IAsyncDisposable> _started = [];
    private readonly Lazy<Task<RabbitMqServer>> _rabbitMq;
    private readonly Lazy<Task<QueueMesh>> _byHand, _byLibrary;

    public QueueFixture()
    {
        Reaper.Delete(_folder);
        _rabbitMq = new(() => AddAsync(RabbitMqServer.StartAsync(ServerPrograms.RequireRabbitMq(), _folder.FullName)));
        _byHand = new(() => StartMeshAsync(byHand: true));
        _byLibrary = new(() => StartMeshAsync(byHand: false));
    }

    public TestCollector Collector { get; private set; } = null!;

    public async Task InitializeAsync() => Collector = await AddAsync(TestCollector.StartAsync());

    internal Task<QueueMesh> MeshAsync(bool byHand) => byHand ? _byHand.Value : _byLibrary.Value;

    public async Task DisposeAsync()
    {
        for (var i = _started.Count - 1; i >= 0; i--) await _started[i].DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<QueueMesh> StartMeshAsync(bool byHand)
    {
        MeshTools.RequireEnvoy();
        return await AddAsync(QueueMesh.StartAsync((await _rabbitMq.Value).Uri, byHand, Collector));
    }

    private async Task<T> AddAsync<T>(Task<T> starting)
        where T : IAsyncDisposable
    {
        var started = await starting;
        _started.Add(started);
        return started;
    }
}

/// <summary>A queue between two services behind the real Envoy: the message carries the trace, by the spans of RabbitMQ.Client or by MessageTracing.</summary>
public sealed class QueueTests(QueueFixture queue) : IClassFixture<QueueFixture>
{
    private const string ByLibrary = """
        envoy SERVER
          envoy CLIENT
            a SERVER
              a PRODUCER
                b CONSUMER
                  b CLIENT
                    envoy SERVER
                      envoy CLIENT
                        a SERVER

        """;

    private const string ByHand = """
        envoy SERVER
          envoy CLIENT
            a SERVER
              b CONSUMER
                b CLIENT
                  envoy SERVER
                    envoy CLIENT
                      a SERVER

        """;

    public static TheoryData<string, bool> Meshes
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var tracer in Enum.GetNames<Tracer>())
            {
                data.Add(tracer, false);
                data.Add(tracer, true);
            }

            return data;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Meshes))]
    public async Task Request_WithoutContext_IsOneTreeThroughTheQueue(string tracer, bool byHand)
    {
        var mesh = await queue.MeshAsync(byHand);
        var tag = Guid.NewGuid().ToString("N");
        await mesh.PublishAsync(Enum.Parse<Tracer>(tracer), sampling: 100, tag);

        var server = await queue.Collector.WaitForAsync(
            "the server span of the request", spans => spans.FirstOrDefault(span => span is { Service: "a", Kind: "SERVER" } && span.Tag("url.path") == $"/publish/{tag}"));
        SpanOutline.AssertEqual(byHand ? ByHand : ByLibrary, await WaitForTreeAsync(server.TraceId, byHand), () => mesh.Logs);
    }

    [SkippableTheory]
    [MemberData(nameof(Meshes))]
    public async Task Request_Debug_IsOneTreeAndAllSpansOfOursSayDebug(string tracer, bool byHand)
    {
        var mesh = await queue.MeshAsync(byHand);
        var traceId = Guid.NewGuid().ToString("N");
        await mesh.PublishAsync(Enum.Parse<Tracer>(tracer), sampling: 100, "debug", [.. Sent.W3CSampled.Headers(traceId), .. Sent.B3Debug.Headers(traceId)]);

        var spans = await WaitForTreeAsync(traceId, byHand);
        SpanOutline.AssertEqual(byHand ? ByHand : ByLibrary, spans, () => mesh.Logs, remoteParent: CallerHeaders.SpanId);
        Assert.All(spans, span => Assert.Equal(span.Service != EnvoyMatrix.ServiceName, span.Debug));
    }

    [SkippableTheory]
    [InlineData("Zipkin", Sent.Nothing)]
    [InlineData("Zipkin", Sent.B3Unsampled)]
    [InlineData("Zipkin", Sent.BothUnsampled)]
    [InlineData("ZipkinW3C", Sent.Nothing)]
    [InlineData("ZipkinW3C", Sent.B3Unsampled)]
    [InlineData("ZipkinW3C", Sent.W3CUnsampled)]
    [InlineData("ZipkinW3C", Sent.BothUnsampled)]
    [InlineData("OpenTelemetry", Sent.Nothing)]
    [InlineData("OpenTelemetry", Sent.W3CUnsampled)]
    [InlineData("OpenTelemetry", Sent.BothUnsampled)]
    public async Task Request_Unsampled_LeavesNothing(string tracer, Sent sent)
    {
        foreach (var byHand in new[] { false, true })
        {
            var mesh = await queue.MeshAsync(byHand);
            queue.Collector.Forget();
            var later = Guid.NewGuid().ToString("N");
            // Nothing: the front proxy decides.
            await mesh.PublishAsync(Enum.Parse<Tracer>(tracer), sampling: sent == Sent.Nothing ? 0 : 100, "unsampled", sent.Headers(Guid.NewGuid().ToString("N")));
            await mesh.PublishAsync(Enum.Parse<Tracer>(tracer), sampling: 100, "later", Sent.BothAsOpenTelemetrySendsThem.Headers(later));

            // The queue keeps the order: when the later message has been handled, the spans of the earlier one would be here.
            SpanOutline.AssertEqual(byHand ? ByHand : ByLibrary, await WaitForTreeAsync(later, byHand), () => mesh.Logs, remoteParent: CallerHeaders.SpanId);
            Assert.All(queue.Collector.Spans, span => Assert.Equal(later, span.TraceId));
        }
    }

    private async Task<IReadOnlyList<CollectedSpan>> WaitForTreeAsync(string traceId, bool byHand)
    {
        var count = (byHand ? ByHand : ByLibrary).Count(character => character == '\n');
        return await queue.Collector.WaitForAsync($"the tree {traceId}", spans => spans.Where(span => span.TraceId == traceId).ToArray() is { } tree && tree.Length >= count ? tree : null);
    }
}
