using System.Collections.Concurrent;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>
/// Services of ours and of others, the proxies between them, a sink for their last call and one collector for all of their spans.
/// All requests of the tables are sent by the first test: so they wait for the exporters' delays together, and when a test looks at its
/// request, whatever was to arrive of it has arrived.
/// </summary>
public sealed class LanguageMesh : IAsyncLifetime
{
    /// <summary>The span that a client with a context of its own says it has.</summary>
    internal const string ClientSpan = "b7ad6b7169203331";

    private readonly ConcurrentDictionary<string, LanguageNode> _nodes = new();
    private readonly ConcurrentDictionary<string, Task<LanguageAnswer>> _answers = new();
    private readonly Lazy<Task> _all;
    private LanguageProxies? _proxies;
    private TestCollector? _collector;
    private int _requests;

    public LanguageMesh() => _all = new(SendAllAsync);

    internal RawSink Sink { get; } = new();

    internal TestCollector Collector => _collector!;

    /// <summary>The last lines of all services' output.</summary>
    internal string Logs => string.Join('\n', _nodes.Values.Where(node => node.Process.Tail.Length > 0).Select(node => $"{node.Name}:\n{node.Process.Tail}"));

    public async Task InitializeAsync()
    {
        if (MeshTools.MeshPeerPath is null || MeshTools.EnvoyPath is null) return;
        _collector = await TestCollector.StartAsync();
        var names = LanguageRequests.All.SelectMany(request => request.Way.Services).Distinct().ToArray();
        await Task.WhenAll(names.Select(async name => _nodes[name] = await LanguageNode.StartAsync(name, _collector)));
        _proxies = await LanguageProxies.StartAsync([.. names.Select(name => _nodes[name])], new Uri(_collector.Address));
    }

    public async Task DisposeAsync()
    {
        if (_proxies is not null) await _proxies.DisposeAsync();
        await Task.WhenAll(_nodes.Values.Select(node => node.DisposeAsync().AsTask()));
        await Sink.DisposeAsync();
        if (_collector is not null) await _collector.DisposeAsync();
    }

    /// <summary>What became of a request of the tables.</summary>
    internal async Task<LanguageAnswer> AnswerAsync(LanguageRequest request)
    {
        MeshTools.RequireMeshPeer();
        MeshTools.RequireEnvoy();
        await _all.Value;
        return await _answers[request.ToString()];
    }

    /// <summary>The spans of a request, as one line: those of the client's trace, and those of the trace that the last service was in.</summary>
    internal string OutlineOf(LanguageAnswer answer)
    {
        var spans = Collector.Spans;
        return string.Join(" || ", answer.TraceIds
            .Select(traceId => LanguageOutline.Of([.. spans.Where(span => span.TraceId == traceId)], ClientSpan)).Where(outline => outline.Length > 0));
    }

    private async Task SendAllAsync()
    {
        var requests = LanguageRequests.All.DistinctBy(request => request.ToString()).ToArray();
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (request, _) =>
        {
            // The task holds the failure of a request, which is its own test's.
            await Task.WhenAny(_answers[request.ToString()] = SendAsync(request));
        });
        await Task.WhenAll(requests.Select(request => Task.WhenAny(WaitForTreeAsync(request))));
    }

    private async Task WaitForTreeAsync(LanguageRequest request)
    {
        var answer = await _answers[request.ToString()];
        await Collector.WaitForAsync(
            $"The tree of {request}", spans => spans.Count(span => answer.TraceIds.Contains(span.TraceId)) >= request.SpanCount ? spans : null);
    }

    /// <summary>Sends one request; returns its trace ids and what the last service sent on.</summary>
    internal async Task<LanguageAnswer> SendAsync(LanguageRequest request)
    {
        var tag = $"languages.{Interlocked.Increment(ref _requests)}.";
        var traceId = Guid.NewGuid().ToString("N");
        var entry = AddressOf(request.Way, tag);
        using var connection = await RawConnection.OpenAsync(entry);
        var response = await connection.SendAsync("GET", entry.PathAndQuery, request.Headers(traceId));
        Assert.True(response.Status == 200, $"{request}: {response.FirstLine}\n{Logs}");
        var last = request.Way.EndsInSink ? Assert.Single(Sink.Requests(tag)) : null;
        string?[] traceIds = [request.Sent.Length > 0 ? traceId : null, last is null ? null : TraceIdOf(last)];
        return new LanguageAnswer([.. traceIds.OfType<string>().Distinct()], last);
    }

    /// <summary>The address at the entry, with that of the next service in it, with that of the next in it, and so on.</summary>
    private Uri AddressOf(LanguageChain way, string tag)
    {
        var next = $"{Sink.Address}/{tag}";
        for (var i = way.Services.Count - 1; i >= 0; i--)
        {
            // What is called by gRPC gets its next address in the message.
            if (way.Calls[i] != LanguageChain.Http) continue;
            var node = _nodes[way.Services[i]];
            var (path, query) = node.IsOurs ? ($"echo-call/{tag}", "") : ("call", "n=1&");
            if (i + 1 < way.Services.Count && way.Calls[i + 1] is var kind && kind != LanguageChain.Http)
            {
                var server = _nodes[way.Services[i + 1]];
                var grpc = way.Tracer is { } between ? _proxies!.ToGrpc(between, server) : server.Grpc;
                (path, query) = node.IsOurs
                    ? ($"shop-call/{tag}", $"target={Uri.EscapeDataString(grpc.ToString())}&kind={kind}&")
                    : ("grpccall", $"target={grpc.Authority}&kind={kind}&");
            }

            var sampling = i == 0 ? way.FrontSampling : 100;
            var address = way.Tracer is { } tracer && sampling is { } value ? _proxies!.ToHttp(tracer, value, node) : node.Http;
            next = new Uri(address, $"{path}?{query}url={Uri.EscapeDataString(next)}").ToString();
        }

        return new Uri(next);
    }

    private static string TraceIdOf(RawMessage sent) =>
        sent.One("traceparent")?[3..35] ?? sent.One("x-b3-traceid") ?? sent.One("b3")?[..32] ?? throw new InvalidDataException("No context left.");
}

/// <summary>What became of a request: its trace, or two where the client's did not get through, and what the last service sent to the sink.</summary>
internal sealed record LanguageAnswer(IReadOnlyList<string> TraceIds, RawMessage? Last);
