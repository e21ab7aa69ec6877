using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>How many bytes a server span adds to a request to the collector, ours and the peer's, for the same requests to the same endpoint.</summary>
internal static class SpanSizes
{
    // The peer does not send these.
    public static readonly string[] Addresses = ["client.address", "network.peer.address", "network.peer.port"];

    private const int Requests = 101;

    /// <param name="exporter"><c>otlp</c> or <c>zipkin</c>.</param>
    /// <param name="removed">Attributes that are not exported.</param>
    public static Task<double> OursAsync(string exporter, params string[] removed) => MeasureAsync(
        (services, sink) => services.AddMeshTracing(o =>
        {
            o.Export.Exporters.Clear();
            o.Export.Exporters.Add(exporter);
            o.Export.HttpHandler = () => sink;
            o.Export.Batch.Interval = TimeSpan.FromHours(1);
            foreach (var name in removed) o.Export.RemovedAttributes.Add(name);
        }),
        // The host's stop has flushed.
        static _ => { });

    /// <param name="exporter"><c>otlp</c> or <c>zipkin</c>.</param>
    public static Task<double> PeerAsync(string exporter) => MeasureAsync(
        (services, sink) => services.AddOpenTelemetry().WithTracing(tracing =>
        {
            tracing.AddAspNetCoreInstrumentation();
            if (exporter == "zipkin")
            {
                tracing.AddZipkinExporter(o => o.HttpClientFactory = () => new HttpClient(sink));
                return;
            }

            tracing.AddOtlpExporter(o =>
            {
                o.Protocol = OtlpExportProtocol.HttpProtobuf;
                o.HttpClientFactory = () => new HttpClient(sink);
            });
        }),
        static services => services.GetRequiredService<TracerProvider>().ForceFlush());

    // Without what all spans share: the resource, the scope, the envelope.
    private static async Task<double> MeasureAsync(Action<IServiceCollection, Sink> trace, Action<IServiceProvider> flush)
    {
        var one = await ExportAsync(1, trace, flush);
        return (await ExportAsync(Requests, trace, flush) - one) / (double)(Requests - 1);
    }

    private static async Task<long> ExportAsync(int requests, Action<IServiceCollection, Sink> trace, Action<IServiceProvider> flush)
    {
        var (transport, sink) = (new MemoryTransport(), new Sink());
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        trace(builder.Services, sink);
        await using var app = builder.Build();
        app.MapGet("/orders/{id}", (int id) => "hello");
        await app.StartAsync();
        // With a port, because the peer sends only one that is not the scheme's own.
        await Service.RequestAsync(
            transport.Connect(), "/orders/1000?color=red", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n", requests, "orders.shop.svc.cluster.local:8080");
        // The last response is here before its span has ended.
        await app.StopAsync();
        flush(app.Services);
        return sink.Count == 1 ? sink.Length : throw new InvalidOperationException($"{sink.Count} requests to the collector.");
    }

    private sealed class Sink : HttpMessageHandler
    {
        public int Count { get; private set; }
        public long Length { get; private set; }

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var body = new MemoryStream();
            request.Content!.CopyTo(body, null, cancellationToken);
            Count++;
            Length += body.Length;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(Send(request, cancellationToken));

        // The peer disposes of its HttpClient, and with it of this handler.
        protected override void Dispose(bool disposing) => base.Dispose(disposing: false);
    }
}
