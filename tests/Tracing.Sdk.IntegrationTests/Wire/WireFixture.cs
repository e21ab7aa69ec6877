using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Wire;

[CollectionDefinition(Name)]
public sealed class WireSuite : ICollectionFixture<WireFixture>
{
    public const string Name = "wire";
}

/// <summary>One service process, one sink for its calls and one collector for its spans, shared by all wire tests.</summary>
public sealed class WireFixture : IAsyncLifetime
{
    public const string ServiceName = "wire-service";

    private ServiceProcess _service = null!;
    private int _exchanges;

    public TestCollector Collector { get; private set; } = null!;

    public RawSink Sink { get; } = new();

    public Uri Address => _service.Address;

    public async Task InitializeAsync()
    {
        Collector = await TestCollector.StartAsync();
        _service = await ServiceProcess.StartAsync(ServiceName, TestService.Dll, Environment(Collector, Sink));
    }

    /// <summary>
    /// All that the service is told. Both exporters at once, so that both can be compared, and patient ones: on a busy machine a span that
    /// was given up would look like one that was never made. What it calls outside this machine goes
    /// to the sink as to a proxy: so a test can look at a request to a host of any name.
    /// </summary>
    public static Dictionary<string, string> Environment(TestCollector collector, RawSink sink) => new()
    {
        ["OTEL_SERVICE_NAME"] = ServiceName,
        ["OTEL_TRACES_EXPORTER"] = "otlp,zipkin",
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
        ["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] = collector.ZipkinEndpoint,
        ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
        ["OTEL_EXPORTER_ZIPKIN_TIMEOUT"] = "60000",
        ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "60000",
        ["HTTP_PROXY"] = sink.Address,
        ["NO_PROXY"] = "127.0.0.1,localhost",
    };

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        await Sink.DisposeAsync();
        await Collector.DisposeAsync();
    }

    /// <summary>A name that no other request of this run bears: in the path of the server span and in the targets of the calls.</summary>
    public string NewTag(string name) => $"{name}.{Interlocked.Increment(ref _exchanges)}";

    /// <summary>One request to <c>/{verb}/{tag}</c> that makes <paramref name="calls"/> calls to the sink.</summary>
    public Task<Exchange> ExchangeAsync(RawConnection connection, string verb, string name, IEnumerable<HeaderLine> headers, int calls = 1)
    {
        var tag = NewTag(name);
        return ExchangeAsync(connection, verb, tag, headers, [.. Enumerable.Range(0, calls).Select(call => $"{Sink.Address}/{tag}/{call}")]);
    }

    public async Task<Exchange> ExchangeAsync(
        RawConnection connection, string verb, string tag, IEnumerable<HeaderLine> headers, IReadOnlyList<string> urls)
    {
        var path = $"/{verb}/{tag}";
        var query = string.Join('&', urls.Select(url => "url=" + Uri.EscapeDataString(url)));
        var response = await connection.SendAsync("GET", $"{path}?{query}", headers);
        return new Exchange(tag, path, response, Sink.Requests(tag));
    }

    /// <summary>
    /// Returns once everything that requests on this connection have caused is at the collector: Kestrel ends a request before it reads the
    /// next one of its connection, and spans are exported in the order in which they ended.
    /// </summary>
    public async Task FlushAsync(RawConnection connection)
    {
        var barrier = await ExchangeAsync(connection, "no-call", "barrier", [], calls: 0);
        await ServerSpanAsync(barrier.Path, SpanFormat.Zipkin);
        await ServerSpanAsync(barrier.Path, SpanFormat.Otlp);
    }

    public Task<CollectedSpan> ServerSpanAsync(string path, SpanFormat format) =>
        Collector.WaitForAsync($"The {format} server span of {path}", spans => spans.FirstOrDefault(
            span => span.Format == format && span.Kind == "SERVER" && span.Tag("url.path") == path));
}

/// <summary>One request to the service, its response, and what the service sent to the sink meanwhile.</summary>
public sealed record Exchange(string Tag, string Path, RawMessage Response, IReadOnlyList<RawMessage> Calls);
