using System.Collections.Concurrent;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;
using Tracing.Sdk.Tests.Otlp;
using Tracing.Sdk.Tests.Otlp.Collector;

namespace Tracing.Sdk.Tests.Export.Grpc;

/// <summary>Exports to a service of the gRPC library for ASP.NET Core.</summary>
public sealed class GrpcServiceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Export_Spans_ArriveOnce(bool gzip)
    {
        var service = new Service();
        await using var app = await StartAsync(service);
        using var exporter = Exporter(app, gzip).Add(20);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 20);
        Assert.Equal(20, service.Spans.Count);
        Assert.Empty(exporter.Log.Lines);
    }

    [Theory]
    [InlineData(StatusCode.Unavailable)]
    [InlineData(StatusCode.Aborted)]
    public async Task Export_ServiceThrowsForNow_IsTriedAgain(StatusCode status)
    {
        var service = new Service { Failure = new RpcException(new global::Grpc.Core.Status(status, "später")) };
        await using var app = await StartAsync(service);
        using var exporter = Exporter(app).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Contains("später", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_ServiceRejectsSome_IsCounted()
    {
        var service = new Service { Response = new() { PartialSuccess = new() { RejectedSpans = 2, ErrorMessage = "too old" } } };
        await using var app = await StartAsync(service);
        using var exporter = Exporter(app).Add(5);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Rejected);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Export_LargerThanTheServiceTakes_IsHalvedAndOneSpanIsCounted(bool gzip)
    {
        var service = new Service();
        await using var app = await StartAsync(service, options => options.MaxReceiveMessageSize = 300_000);
        using var exporter = Exporter(app, gzip);
        for (var i = 0; i < 11; i++) exporter.Add(TestSpan.With("large", new string('x', i == 5 ? 400_000 : 90_000)));
        Assert.False(exporter.Flush());
        exporter.AssertCounts(exported: 10, dropped: 1, reason: DropReason.TooLarge);
        Assert.Equal(10, service.Spans.Count);
    }

    private static async Task<WebApplication> StartAsync(Service service, Action<GrpcServiceOptions>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(options => options.ConfigureEndpointDefaults(listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(service).AddGrpc(options => configure?.Invoke(options));
        var app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return app;
    }

    private static ExporterUnderTest Exporter(WebApplication app, bool gzip = false) =>
        new(new Uri(app.Urls.Single()), settings => ExporterUnderTest.AsOtlpGrpc(settings) with { Gzip = gzip });

    private sealed class Service : TraceService.TraceServiceBase
    {
        public ConcurrentQueue<Span> Spans { get; } = new();

        /// <summary>Thrown once.</summary>
        public RpcException? Failure { get; set; }

        public ExportTraceServiceResponse Response { get; init; } = new();

        public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, ServerCallContext context)
        {
            var failure = Failure;
            Failure = null;
            if (failure is not null) throw failure;
            foreach (var span in request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)) Spans.Enqueue(span);
            return Task.FromResult(Response);
        }
    }
}
