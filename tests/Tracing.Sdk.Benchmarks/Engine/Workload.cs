using System.Diagnostics;
using System.Net;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>What is measured: spans such as a web service makes.</summary>
internal static class Workload
{
    public const string SourceName = "Tracing.Sdk.Benchmarks";

    public static readonly ActivitySource Source = new(SourceName, "1.0.0");

    public static Resource Resource { get; } = new(
    [
        new("service.name", "benchmark"),
        new("telemetry.sdk.name", "Tracing.Sdk"),
        new("telemetry.sdk.language", "dotnet"),
        new("telemetry.sdk.version", "1.0.0"),
    ]);

    // What no two requests have in common: an encoder that remembers tags must not live on that.
    private static readonly string[] Paths = [.. Enumerable.Range(1000, 256).Select(id => $"/orders/{id}")];

    /// <summary>Six tags, start to stop.</summary>
    public static void StartStop(ActivitySource source, int number)
    {
        using var activity = source.StartActivity("GET /orders/{id}", ActivityKind.Server);
        if (activity is null) return;
        activity.SetTag("http.request.method", "GET");
        activity.SetTag("url.scheme", "https");
        activity.SetTag("url.path", Paths[number & (Paths.Length - 1)]);
        activity.SetTag("server.address", "orders.shop.svc.cluster.local");
        activity.SetTag("server.port", 8080);
        activity.SetTag("http.response.status_code", 200);
    }

    /// <summary>Eight tags, ended.</summary>
    public static Activity Ended(int number)
    {
        var activity = Source.StartActivity("GET /orders/{id}", ActivityKind.Client)!;
        activity.SetTag("http.request.method", "GET");
        activity.SetTag("url.scheme", "https");
        activity.SetTag("url.path", Paths[number & (Paths.Length - 1)]);
        activity.SetTag("server.address", "orders.shop.svc.cluster.local");
        activity.SetTag("server.port", 8080);
        activity.SetTag("network.protocol.version", "1.1");
        activity.SetTag("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)");
        activity.SetTag("http.response.status_code", 200);
        activity.Stop();
        return activity;
    }

    public static SpanMetadata Facts(Activity activity) => new(activity.ParentSpanId, activity.HasRemoteParent, 1, false);

    /// <summary>Hears one source and samples all of it.</summary>
    public static ActivityListener Listen(string name)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    /// <summary>An exporter whose requests go no further than this process.</summary>
    public static ExporterSettings ToSink(string exporter) => Exporters.Settings(exporter, new MeshTracingOptions()) with { HandlerFactory = () => new Sink() };

    /// <summary>Takes every request: what is measured is us and not the loopback.</summary>
    public sealed class Sink : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            new(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(Send(request, cancellationToken));
    }
}
