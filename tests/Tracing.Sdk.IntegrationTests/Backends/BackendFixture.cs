using System.Net;
using System.Text.Json;
using MeshDemo.Backends;
using MeshDemo.Processes;
using MeshDemo.Traces;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>The way of a span to Jaeger.</summary>
public enum Route
{
    Straight,
    ThroughCollector,
}

[CollectionDefinition(Name)]
public sealed class BackendSuite : ICollectionFixture<BackendFixture>
{
    public const string Name = "backends";
}

/// <summary>The real Jaeger, and the real Collector in front of it; absent when one of the programs is.</summary>
public sealed class BackendFixture : IAsyncLifetime
{
    private readonly HttpClient _http = LocalHttp.CreateClient();
    private JaegerProcess? _jaeger;
    private Receiver? _collector;

    internal JaegerProcess Jaeger => _jaeger!;

    internal static bool IsHere => MeshTools.JaegerPath is not null && MeshTools.CollectorPath is not null;

    public static void Require()
    {
        MeshTools.RequireJaeger();
        MeshTools.RequireCollector();
    }

    public async Task InitializeAsync()
    {
        if (!IsHere) return;
        _jaeger = await JaegerProcess.StartAsync(MeshTools.JaegerPath!);
        _collector = Receiver.AtFreePorts();
        await _collector.StartCollectorAsync(_jaeger.OtlpHttp);
    }

    internal Endpoints EndpointsOf(Route route) =>
        route == Route.Straight ? Endpoints.Of(Jaeger) : _collector!.Endpoints;

    /// <summary>
    /// The trace as Jaeger's API tells it, once <paramref name="isWhole"/> says so, or what there is of it after a while. Jaeger does not signal that
    /// it has stored a span, so it is polled.
    /// </summary>
    internal Task<IReadOnlyList<Span>> WaitForTraceAsync(string traceId, Func<IReadOnlyList<Span>, bool> isWhole) =>
        Polling.UntilAsync(() => FindAsync($"api/traces/{traceId}", JaegerJson.Read), isWhole);

    /// <summary>The same as OTLP, which has every type and every link as Jaeger stored it.</summary>
    internal Task<IReadOnlyList<JsonElement>> WaitForOtlpAsync(string traceId, Func<IReadOnlyList<JsonElement>, bool> isWhole) =>
        Polling.UntilAsync(() => FindAsync<JsonElement>($"api/v3/traces/{traceId}", answer =>
        [
            .. answer.GetProperty("result").GetProperty("resourceSpans").EnumerateArray()
                .SelectMany(resource => resource.GetProperty("scopeSpans").EnumerateArray())
                .SelectMany(scope => scope.GetProperty("spans").EnumerateArray())
                .Select(span => span.Clone()),
        ]), isWhole);

    public async Task DisposeAsync()
    {
        _http.Dispose();
        if (_collector is not null) await _collector.DisposeAsync();
        if (_jaeger is not null) await _jaeger.DisposeAsync();
    }

    private async Task<IReadOnlyList<T>> FindAsync<T>(string path, Func<JsonElement, IReadOnlyList<T>> read)
    {
        using var response = await _http.GetAsync(new Uri(Jaeger.Query, path));
        if (response.StatusCode == HttpStatusCode.NotFound) return [];
        using var answer = JsonDocument.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
        return read(answer.RootElement);
    }
}
