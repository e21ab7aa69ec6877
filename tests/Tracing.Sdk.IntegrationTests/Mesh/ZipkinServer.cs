using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>The real Zipkin server, in memory, on a port of its own choice.</summary>
internal sealed class ZipkinServer : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly HttpClient _http = LocalHttp.CreateClient();

    private ZipkinServer(ChildProcess process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    public Uri Endpoint => new(Address, "/api/v2/spans");

    public static async Task<ZipkinServer> StartAsync()
    {
        var process = ChildProcess.Start(
            "zipkin", "java", ["-Xmx256m", "-jar", MeshTools.ZipkinJar!], new Dictionary<string, string> { ["QUERY_PORT"] = "0" });

        // Serving HTTP at /[0:0:0:0:0:0:0:0]:45801 - http://127.0.0.1:45801/
        var address = await process.WaitForLineAsync(
            line => line.Contains("Serving HTTP at", StringComparison.Ordinal) ? line[line.LastIndexOf("http://", StringComparison.Ordinal)..] : null,
            "start to serve", TimeSpan.FromSeconds(90), CancellationToken.None);
        return new ZipkinServer(process, new Uri(address));
    }

    /// <summary>The trace as Zipkin's own API tells it; empty when it has none.</summary>
    public async Task<IReadOnlyList<CollectedSpan>> FindTraceAsync(string traceId)
    {
        using var response = await _http.GetAsync(new Uri(Address, $"/api/v2/trace/{traceId}"));
        if (response.StatusCode == HttpStatusCode.NotFound) return [];
        return ZipkinReader.Read(await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>());
    }

    /// <summary>
    /// The trace once it has <paramref name="count"/> spans, or what there is of it after a while. Zipkin does not signal that it has stored
    /// a span, so it is polled.
    /// </summary>
    public Task<IReadOnlyList<CollectedSpan>> WaitForTraceAsync(string traceId, int count) => Polling.UntilAsync(() => FindTraceAsync(traceId), spans => spans.Count >= count);

    /// <summary>The links of Zipkin's dependency graph, "parent -> child" each.</summary>
    public async Task<IReadOnlyList<string>> FindLinksAsync()
    {
        var now = DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds();
        var links = await _http.GetFromJsonAsync<JsonElement>(new Uri(Address, $"/api/v2/dependencies?endTs={now}&lookback=3600000"));
        return [.. links.EnumerateArray().Select(link => $"{link.GetProperty("parent").GetString()} -> {link.GetProperty("child").GetString()}")];
    }

    /// <summary>Hands over spans that came as OTLP, which this server does not read: Envoy's OpenTelemetry tracer speaks nothing else.</summary>
    public async Task PostAsync(IReadOnlyList<CollectedSpan> spans)
    {
        using var response = await _http.PostAsJsonAsync(Endpoint, spans.Select(span => new Dictionary<string, object?>
        {
            ["traceId"] = span.TraceId,
            ["id"] = span.Id,
            ["parentId"] = span.ParentId,
            ["kind"] = span.Kind,
            ["name"] = span.Name,
            ["timestamp"] = span.StartMicroseconds,
            ["duration"] = 1,
            ["localEndpoint"] = new { serviceName = span.Service },
            ["tags"] = span.Tags,
        }.Where(field => field.Value is not null).ToDictionary()));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
    }
}
