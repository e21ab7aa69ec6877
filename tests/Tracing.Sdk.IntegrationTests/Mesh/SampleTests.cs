using System.Collections.Concurrent;
using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>The three meshes of the samples, each started when the first test wants it.</summary>
public sealed class SampleFixture(MeshFixture mesh) : IAsyncLifetime
{
    private readonly ConcurrentDictionary<Tracer, Lazy<Task<SampleMesh>>> _meshes = new();

    public Task InitializeAsync() => Task.CompletedTask;

    internal Task<SampleMesh> MeshAsync(Tracer tracer) => _meshes.GetOrAdd(tracer, _ => new(() => SampleMesh.StartAsync(
        tracer,
        tracer == Tracer.OpenTelemetry ? new Uri(mesh.Bridge.Address) : mesh.Zipkin.Address,
        new() { ["OTEL_TRACES_EXPORTER"] = "zipkin", ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = mesh.Zipkin.Endpoint.ToString() }))).Value;

    public async Task DisposeAsync()
    {
        foreach (var started in _meshes.Values)
            await (await started.Value).DisposeAsync();
    }
}

/// <summary>The samples behind the real Envoy with each of its configurations; the tree is read back from the real Zipkin.</summary>
[Collection(MeshSuite.Name)]
public sealed class SampleTests(MeshFixture mesh, SampleFixture samples) : IClassFixture<SampleFixture>
{
    private const string Parent = "b7ad6b7169203331";

    /// <summary>One order is three calls, the last two at the same time, each with one query. Each proxy makes two spans of a request (spawn_upstream_span).</summary>
    internal const string OrderTree = """
        front-envoy SERVER
          front-envoy CLIENT
            api-service SERVER
              api-service CLIENT
                egress-envoy SERVER
                  egress-envoy CLIENT
                    data-service SERVER
                      data-service CLIENT
              api-service CLIENT
                egress-envoy SERVER
                  egress-envoy CLIENT
                    data-service SERVER
                      data-service CLIENT
              api-service CLIENT
                egress-envoy SERVER
                  egress-envoy CLIENT
                    data-service SERVER
                      data-service CLIENT

        """;

    internal static int SpansOfOrderTree { get; } = OrderTree.Count(character => character == '\n');

    public static TheoryData<string> Tracers => new(Enum.GetNames<Tracer>());

    [SkippableTheory]
    [MemberData(nameof(Tracers))]
    public async Task RequestWithoutContext_IsOneTree(string tracer)
    {
        var sample = await StartAsync(tracer);
        var response = await sample.GetOrderAsync();
        SpanOutline.AssertEqual(OrderTree, await mesh.Zipkin.WaitForTraceAsync(response.One("x-trace-id")!, SpansOfOrderTree), () => sample.Logs);
    }

    [SkippableTheory]
    [MemberData(nameof(Tracers))]
    public async Task RequestWithoutContext_LinksEveryServiceToTheNext(string tracer)
    {
        var sample = await StartAsync(tracer);
        var response = await sample.GetOrderAsync();
        await mesh.Zipkin.WaitForTraceAsync(response.One("x-trace-id")!, SpansOfOrderTree);

        var links = await mesh.Zipkin.FindLinksAsync();
        Assert.Superset(new HashSet<string> { "front-envoy -> api-service", "api-service -> egress-envoy", "egress-envoy -> data-service" }, links.ToHashSet());
        Assert.DoesNotContain("api-service -> data-service", links);
    }

    [SkippableTheory]
    [MemberData(nameof(Tracers))]
    public async Task UnsampledRequest_LeavesNothing(string tracer)
    {
        var sample = await StartAsync(tracer);
        var traceId = Guid.NewGuid().ToString("N");
        await sample.GetOrderAsync(
            new("traceparent", $"00-{traceId}-{Parent}-00"),
            new("X-B3-TraceId", traceId), new("X-B3-SpanId", Parent), new("X-B3-Sampled", "0"));

        // A whole tree that was asked for later: by now the other would be here too.
        var later = await sample.GetOrderAsync();
        SpanOutline.AssertEqual(OrderTree, await mesh.Zipkin.WaitForTraceAsync(later.One("x-trace-id")!, SpansOfOrderTree), () => sample.Logs);
        Assert.Empty(await mesh.Zipkin.FindTraceAsync(traceId));
    }

    [SkippableTheory]
    [MemberData(nameof(Tracers))]
    public async Task DebugRequest_IsOneTreeAndAllSpansOfOursSayDebug(string tracer)
    {
        var sample = await StartAsync(tracer);
        var traceId = Guid.NewGuid().ToString("N");
        await sample.GetOrderAsync(
            new("traceparent", $"00-{traceId}-{Parent}-01"),
            new("X-B3-TraceId", traceId), new("X-B3-SpanId", Parent), new("X-B3-Sampled", "1"), new("X-B3-Flags", "1"));

        var spans = await mesh.Zipkin.WaitForTraceAsync(traceId, SpansOfOrderTree);
        SpanOutline.AssertEqual(OrderTree, spans, () => sample.Logs, remoteParent: Parent);
        Assert.All(spans, span => Assert.Equal(span.Service.EndsWith("-service", StringComparison.Ordinal), span.Debug));
    }

    private Task<SampleMesh> StartAsync(string tracer)
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireZipkin();
        return samples.MeshAsync(Enum.Parse<Tracer>(tracer));
    }
}
