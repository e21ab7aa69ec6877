using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Tracing.Sdk.Export;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Export;

/// <summary>As many spans as an hour brings, at full speed, to find memory that grows.</summary>
[Collection(Alone.Name)]
public sealed class SoakTests
{
    private const int Spans = 2_000_000;
    private const int WarmUp = 200_000;
    private const int Round = 1_000;

    [Theory]
    [InlineData("otlp")]
    [InlineData("zipkin")]
    public void Export_MillionsOfSpans_LeaveNothingBehind(string exporterName)
    {
        var metrics = new ExporterMetrics("soak");
        var settings = ExporterUnderTest.Settings(exporterName) with
        {
            Endpoint = new Uri("http://localhost:1/"),
            HandlerFactory = () => new Sink(),
        };
        using var exporter = new SpanExporter(settings, Encoded.Resource, metrics, NullLogger.Instance, TimeProvider.System);
        using var source = new ActivitySource("Soak");
        using var listener = TestSpan.Listen(source);

        Run(exporter, source, WarmUp);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Run(exporter, source, Spans);
        var after = GC.GetTotalMemory(forceFullCollection: true);

        Assert.Equal((WarmUp + Spans, 0), (metrics.Exported, metrics.TotalDropped));
        // One byte that is kept of each span would be twice as much.
        Assert.InRange(after - before, long.MinValue, 1_000_000);
    }

    // Round by round, so that the buffer is never full.
    private static void Run(SpanExporter exporter, ActivitySource source, int spans)
    {
        for (var i = 0; i < spans; i++)
        {
            var activity = source.StartActivity("GET /orders/{id}", ActivityKind.Server)!;
            activity.SetTag("url.path", "/orders/4711").SetTag("server.address", "orders.shop.svc").SetTag("http.response.status_code", 200);
            if (i % 100 == 0) activity.AddException(new InvalidOperationException("The order is gone.")).SetStatus(ActivityStatusCode.Error, "gone");
            activity.Stop();
            exporter.Add(activity, TestSpan.Facts);
            if (i % Round == Round - 1) Assert.True(exporter.Flush(TimeSpan.FromSeconds(60)));
        }
    }

    private sealed class Sink : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) => new(HttpStatusCode.OK);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(Send(request, cancellationToken));
    }
}
