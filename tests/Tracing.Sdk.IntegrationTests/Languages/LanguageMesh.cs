using System.Collections.Concurrent;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Languages;

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
        var hops = LanguageRequests.All.SelectMany(request => request.Way.Hops).ToArray();
        var names = hops.Select(hop => hop.Service).Distinct().ToArray();
        await Task.WhenAll(names.Select(async name => _nodes[name] = await LanguageNode.StartAsync(name, _collector)));
        _proxies = await LanguageProxies.StartAsync([.. names.Select(name => _nodes[name])], hops.Where(hop => hop.Call != LanguageHop.Http).Select(hop => hop.Service).ToHashSet(), new Uri(_collector.Address));
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

    /// <summary>The spans of a request.</summary>
    internal IReadOnlyList<CollectedSpan> SpansOf(LanguageAnswer answer) => [.. Collector.Spans.Where(span => answer.TraceIds.Contains(span.TraceId))];

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
        if (request.Sent == "short") traceId = traceId[16..].PadLeft(32, '0');
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
        for (var i = way.Hops.Count - 1; i >= 0; i--)
        {
            // What is called by gRPC gets its next address in the message.
            var hop = way.Hops[i];
            if (hop.Call != LanguageHop.Http) continue;
            var node = _nodes[hop.Service];
            var (path, query) = node.IsOurs ? ($"echo-call/{tag}", "") : ("call", "n=1&");
            if (way.Hops.ElementAtOrDefault(i + 1) is { Call: not LanguageHop.Http } called)
            {
                var server = _nodes[called.Service];
                var grpc = called.Proxy is null ? server.Grpc : _proxies!.ToGrpc(called.Proxy, server);
                (path, query) = node.IsOurs
                    ? ($"shop-call/{tag}", $"target={Uri.EscapeDataString(grpc.ToString())}&kind={called.Call}&")
                    : ("grpccall", $"target={grpc.Authority}&kind={called.Call}&");
            }

            var address = hop.Proxy is null ? node.Http : _proxies!.ToHttp(hop.Proxy, node);
            next = new Uri(address, $"{path}?{query}url={Uri.EscapeDataString(next)}").ToString();
        }

        return new Uri(next);
    }

    private static string TraceIdOf(RawMessage sent) =>
        (sent.One("traceparent")?[3..35] ?? sent.One("x-b3-traceid") ?? sent.One("b3")?.Split('-')[0] ?? throw new InvalidDataException("No context left.")).PadLeft(32, '0');
}

/// <summary>What became of a request: its trace, or two where the client's did not get through, and what the last service sent to the sink.</summary>
internal sealed record LanguageAnswer(IReadOnlyList<string> TraceIds, RawMessage? Last);
