using System.Net;
using System.Reflection;
using System.Text.Json;
using MeshDemo.Collecting;
using MeshDemo.Traces;

namespace MeshDemo.Processes;

/// <summary>Aspire's dashboard by itself, without an AppHost, on ports that the system chose. What it has received is gone when it ends.</summary>
internal sealed class AspireDashboard : IAsyncDisposable
{
    /// <summary>The header with the key that every request with spans has to bear.</summary>
    public const string OtlpKeyHeader = "x-otlp-api-key";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly string _apiKey;

    private AspireDashboard(ChildProcess process, string apiKey, Uri[] addresses)
    {
        Process = process;
        _apiKey = apiKey;
        (Page, OtlpGrpc, OtlpHttp) = (addresses[0], addresses[1], addresses[2]);
    }

    public ChildProcess Process { get; }

    /// <summary>Its pages, and its API below /api/telemetry.</summary>
    public Uri Page { get; }

    /// <summary>Takes OTLP/gRPC.</summary>
    public Uri OtlpGrpc { get; }

    /// <summary>Takes OTLP/HTTP.</summary>
    public Uri OtlpHttp { get; }

    /// <summary>Has NuGet bring it, unless it is in the cache of this machine already, and answers with where the program is.</summary>
    /// <exception cref="DemoException">It cannot be restored.</exception>
    public static async Task<string> RestoreAsync(CancellationToken cancellation = default)
    {
        var project = typeof(AspireDashboard).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "AspireDashboard").Value!;
        var path = await MSBuild.RunAsync(project, "Bring", "AspireDashboardPath", [], cancellation);
        return File.Exists(path) ? path : throw new DemoException($"NuGet does not bring Aspire's dashboard: there is no file '{path}'.");
    }

    /// <summary>Starts it and returns once it takes spans.</summary>
    /// <param name="path">What <see cref="RestoreAsync"/> answered.</param>
    /// <param name="otlpKey">The key that it demands in <see cref="OtlpKeyHeader"/>; null to take spans from any program of this machine.</param>
    /// <param name="cancellation">Ends the wait, and the dashboard with it.</param>
    /// <exception cref="DemoException">It ended, or did not get ready in time.</exception>
    public static async Task<AspireDashboard> StartAsync(string path, string? otlpKey = null, CancellationToken cancellation = default)
    {
        var apiKey = Guid.NewGuid().ToString("N");
        var environment = new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = "http://127.0.0.1:0",
            ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = "http://127.0.0.1:0",
            ["ASPIRE_DASHBOARD_API_ENABLED"] = "true",
            ["DASHBOARD__API__AUTHMODE"] = "ApiKey",
            ["DASHBOARD__API__PRIMARYAPIKEY"] = apiKey,
            ["DASHBOARD__FRONTEND__AUTHMODE"] = "Unsecured",
            ["DASHBOARD__OTLP__AUTHMODE"] = otlpKey is null ? "Unsecured" : "ApiKey",
            ["DASHBOARD__OTLP__PRIMARYAPIKEY"] = otlpKey ?? "",
            // It listens to this machine only, so it need not warn of that.
            ["DASHBOARD__OTLP__SUPPRESSUNSECUREDTELEMETRYMESSAGE"] = "true",
            ["ASPIRE_DASHBOARD_TELEMETRY_OPTOUT"] = "true",
        };
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | UnixFileMode.UserExecute);
        var process = ChildProcess.Start("Aspire's dashboard", path, [], environment, Path.GetDirectoryName(path));
        try
        {
            string[] lines = ["Now listening on: ", "OTLP/gRPC listening on: ", "OTLP/HTTP listening on: "];
            var addresses = await Task.WhenAll(lines.Select(start => process.WaitForLineAsync(
                line => line.Trim() is var text && text.StartsWith(start, StringComparison.Ordinal) ? text[start.Length..] : null,
                "start to listen", StartTimeout, cancellation)));
            return new AspireDashboard(process, apiKey, [.. addresses.Select(address => new Uri(address))]);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Where a browser shows the trace.</summary>
    public Uri TracePage(string traceId) => new(Page, "traces/detail/" + traceId);

    /// <summary>The spans of a trace as its API answers them; empty when it has none yet.</summary>
    public Task<IReadOnlyList<Span>> FindTraceAsync(string traceId, HttpClient http, CancellationToken cancellation = default) =>
        FindTraceAsync(Page, _apiKey, traceId, http, cancellation);

    /// <summary>The same for a dashboard that another program has started.</summary>
    public static async Task<IReadOnlyList<Span>> FindTraceAsync(
        Uri page, string apiKey, string traceId, HttpClient http, CancellationToken cancellation = default)
    {
        using var question = new HttpRequestMessage(HttpMethod.Get, new Uri(page, "api/telemetry/traces/" + traceId)) { Headers = { { "x-api-key", apiKey } } };
        using var answer = await http.SendAsync(question, cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound)
            return [];
        await using var body = await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancellation);
        using var document = await JsonDocument.ParseAsync(body, cancellationToken: cancellation);
        return OtlpJson.Read(document.RootElement.GetProperty("data"));
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
