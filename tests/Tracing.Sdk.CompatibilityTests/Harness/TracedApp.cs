using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>A web application on a real port, with tracing added by its one line and a collector of its own. A test sends requests, stops it, and has all spans.</summary>
internal sealed class TracedApp : IAsyncDisposable
{
    /// <summary>The trace of <see cref="GetAsync"/>, and the span that its requests name as their caller.</summary>
    public const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    public const string CallerId = "b7ad6b7169203331";
    public const string Sampled = $"traceparent: 00-{TraceId}-{CallerId}-01";
    public const string NotSampled = $"traceparent: 00-{TraceId}-{CallerId}-00";

    private readonly WebApplication _app;
    private readonly TestCollector _collector;
    private bool _isStopped;

    private TracedApp(WebApplication app, TestCollector collector, AppLog log)
    {
        (_app, _collector, Log) = (app, collector, log);
        Client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = Address };
    }

    public Uri Address => new(_app.Urls.First());

    public IServiceProvider Services => _app.Services;

    /// <summary>What the application has logged, the library's warnings among it.</summary>
    public AppLog Log { get; }

    /// <summary>All addresses.</summary>
    public IReadOnlyList<Uri> Addresses => [.. _app.Urls.Select(url => new Uri(url))];

    /// <summary>A client outside of the application: what it sends has no span.</summary>
    public HttpClient Client { get; }

    /// <param name="map">Endpoints and middleware.</param>
    /// <param name="build">Services and configuration.</param>
    /// <param name="options">Settings of tracing.</param>
    /// <param name="isTraced">False to leave out the one line.</param>
    /// <param name="buildFirst">Services and configuration that come before the one line.</param>
    public static async Task<TracedApp> StartAsync(
        Action<WebApplication> map, Action<WebApplicationBuilder>? build = null, Action<MeshTracingOptions>? options = null, bool isTraced = true,
        Action<WebApplicationBuilder>? buildFirst = null)
    {
        var collector = await TestCollector.StartAsync();
        var log = new AppLog();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = typeof(TracedApp).Assembly.GetName().Name, EnvironmentName = "Production" });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders().AddProvider(log);
        buildFirst?.Invoke(builder);
        if (isTraced)
        {
            builder.Services.AddMeshTracing(o =>
            {
                o.ServiceName = "app";
                o.Export.Otlp.Endpoint = new Uri(collector.Address + "/v1/traces");
                // Nothing is sent before the end: a test waits for StopAsync, never for a clock.
                o.Export.Batch.Interval = TimeSpan.FromHours(1);
                options?.Invoke(o);
            });
        }

        build?.Invoke(builder);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new TracedApp(app, collector, log);
    }

    /// <summary>Sends a request from the caller of <see cref="TraceId"/>.</summary>
    /// <param name="path">Path and query.</param>
    /// <param name="headers">As <c>name: value</c>; <see cref="Sampled"/> where none is given.</param>
    /// <returns>The body of the response, whatever its status.</returns>
    public async Task<string> GetAsync(string path, params string[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var header in headers.Length == 0 ? [Sampled] : headers)
        {
            var colon = header.IndexOf(':', StringComparison.Ordinal);
            request.Headers.TryAddWithoutValidation(header[..colon], header[(colon + 1)..].Trim());
        }

        using var response = await Client.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>Stops the application, which sends what is left.</summary>
    /// <returns>All spans of the process since the start.</returns>
    public async Task<IReadOnlyList<CollectedSpan>> StopAsync()
    {
        await _app.StopAsync();
        _isStopped = true;
        return _collector.Spans;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        // What a failed test has left running would make spans in the tests after it.
        if (!_isStopped) await _app.StopAsync();
        await _app.DisposeAsync();
        await _collector.DisposeAsync();
    }
}
