using MeshDemo;
using MeshDemo.Processes;
using MeshDemo.Traces;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Aspire;

/// <summary>The real dashboard, which demands a key, and the samples behind the real Envoy with the variables that an AppHost sets.</summary>
public sealed class DashboardFixture : IAsyncLifetime
{
    private readonly string _key = Guid.NewGuid().ToString("N");
    private readonly HttpClient _http = LocalHttp.CreateClient();
    private string? _path;

    internal AspireDashboard Dashboard { get; private set; } = null!;

    internal SampleMesh Mesh { get; private set; } = null!;

    /// <summary>Null where NuGet does not bring it.</summary>
    internal static async Task<string?> FindDashboardAsync()
    {
        try
        {
            return await AspireDashboard.RestoreAsync();
        }
        catch (DemoException)
        {
            return null;
        }
    }

    /// <summary>Skips the test where one of the programs is not.</summary>
    internal void Require()
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireAspireDashboard(_path);
    }

    public async Task InitializeAsync()
    {
        if (MeshTools.EnvoyPath is null) return;
        _path = await FindDashboardAsync();
        if (_path is null) return;
        Dashboard = await AspireDashboard.StartAsync(_path, _key);
        Mesh = await SampleMesh.StartAsync(Tracer.OpenTelemetry, Dashboard.OtlpHttp, Variables(), WithKey);
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        if (_path is null) return;
        await Mesh.DisposeAsync();
        await Dashboard.DisposeAsync();
    }

    /// <summary>The spans of a trace as the dashboard answers them: <paramref name="count"/> of them, or what is there after a minute.</summary>
    internal Task<IReadOnlyList<Span>> WaitForTraceAsync(string traceId, int count) =>
        Polling.UntilAsync(() => Dashboard.FindTraceAsync(traceId, _http), spans => spans.Count >= count);

    // All that an AppHost of Aspire 13 sets for a project, beside its name. An empty value is as good as none.
    private Dictionary<string, string> Variables() => new()
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Dashboard.OtlpGrpc.ToString().TrimEnd('/'),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc",
        ["OTEL_EXPORTER_OTLP_HEADERS"] = $"{AspireDashboard.OtlpKeyHeader}={_key}",
        ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "",
        ["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id=yrpyqcns",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "1000",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
        ["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based",
        ["OTEL_TRACES_SAMPLER"] = "always_on",
        ["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory",
        ["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true",
        ["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"] = "true",
    };

    // As docs/aspire.md shows it.
    private string WithKey(string configuration)
    {
        const string before = "cluster: collector, timeout: 1s }";
        Assert.Contains(before, configuration, StringComparison.Ordinal);
        return configuration.Replace(before, $$"""
            {{before}}
                              request_headers_to_add:
                              - header: { key: {{AspireDashboard.OtlpKeyHeader}}, value: "{{_key}}" }
            """, StringComparison.Ordinal);
    }
}
