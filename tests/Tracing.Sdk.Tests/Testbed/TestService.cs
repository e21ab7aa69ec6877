using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>A web service on a real Kestrel that knows AddMeshTracing and nothing else of us.</summary>
internal sealed class TestService : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, bool> _traces = new();
    private readonly WebApplication _app;

    private TestService(WebApplication app, SpanSink sink, LogCollector log) => (_app, Sink, Log) = (app, sink, log);

    public SpanSink Sink { get; }

    public LogCollector Log { get; }

    /// <summary>The traces that its requests belonged to.</summary>
    public IEnumerable<string> Traces => _traces.Keys;

    public IServiceProvider Services => _app.Services;

    public Uri Address { get; private set; } = null!;

    /// <param name="map">The application.</param>
    /// <param name="options">Settings in code, after those of the test bed.</param>
    /// <param name="build">Services and configuration.</param>
    public static async Task<TestService> StartAsync(
        Action<WebApplication> map, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null)
    {
        var (sink, log) = (new SpanSink(), new LogCollector());
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Tracing.Sdk.Tests", EnvironmentName = "Production" });
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore().AddLogging();
        builder.Logging.AddProvider(log);
        build?.Invoke(builder);
        builder.Services.AddMeshTracing(o => ExportTo(sink, o));
        if (options is not null) builder.Services.AddMeshTracing(options);

        var app = builder.Build();
        var service = new TestService(app, sink, log);
        app.Use((context, next) =>
        {
            service.Note();
            return next(context);
        });
        map(app);
        await app.StartAsync();
        service.Address = new Uri(app.Urls.First());
        return service;
    }

    /// <summary>Sends nothing before the end: a test waits for StopAsync, never for a clock.</summary>
    public static void ExportTo(SpanSink sink, MeshTracingOptions options)
    {
        options.Export.Otlp.Protocol = OtlpProtocol.HttpJson;
        options.Export.Batch.Interval = TimeSpan.FromHours(1);
        options.Export.HttpHandler = () => sink;
    }

    /// <summary>A request; headers are written <c>name: value</c>.</summary>
    public Task<WireMessage> GetAsync(string target, params string[] headers) => WireClient.SendAsync(Address, $"GET {target}", headers);

    /// <summary>Stops the service and gives the spans of all traces that its requests belonged to, in the order in which they ended.</summary>
    public async Task<IReadOnlyList<Span>> StopAsync()
    {
        await _app.StopAsync();
        // Spans outside of any request are everybody's: those of tests that run at the same time are left out.
        return [.. Sink.Spans.Where(s => _traces.ContainsKey(s.TraceId))];
    }

    /// <summary>Counts the current trace as one of this service.</summary>
    public void Note()
    {
        if (Activity.Current is { } activity) _traces.TryAdd(activity.TraceId.ToHexString(), true);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

internal static class SpanLists
{
    public static Span Server(this IEnumerable<Span> spans) => Assert.Single(spans, s => s.Kind == "server");

    public static Span Client(this IEnumerable<Span> spans) => Assert.Single(spans, s => s.Kind == "client");

    public static IReadOnlyList<Span> Clients(this IEnumerable<Span> spans) => [.. spans.Where(s => s.Kind == "client")];
}
