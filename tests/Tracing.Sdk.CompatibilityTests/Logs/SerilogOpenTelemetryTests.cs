using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Serilog;
using Tracing.Sdk.CompatibilityTests.Calls;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Logs;

[WorksWith("Serilog.Sinks.OpenTelemetry", "none of its exports, over HTTP and gRPC", SetUp = "nothing; [other sinks](#sinks-of-log-libraries)", Name = "Serilog")]
public sealed class SerilogOpenTelemetryTests
{
    private const string ExportPath = "opentelemetry.proto.collector.logs.v1.LogsService";

    [Fact]
    public async Task ExportsOverHttp_MakeNoSpans()
    {
        using var collector = ScriptedEndpoint.Start("", "application/x-protobuf");
        var tree = await LogAsync(new Uri(collector.Address, "v1/logs"), Serilog.Sinks.OpenTelemetry.OtlpProtocol.HttpProtobuf);

        Assert.NotEmpty(collector.Requests);
        Assert.Equal("SERVER GET /orders", tree);
    }

    [Fact]
    public async Task ExportsOverGrpc_MakeNoSpans()
    {
        await using var collector = await Collector.StartAsync();
        var tree = await LogAsync(collector.Address, Serilog.Sinks.OpenTelemetry.OtlpProtocol.Grpc);

        Assert.NotEmpty(collector.TraceParents);
        Assert.Equal("SERVER GET /orders", tree);
    }

    [Fact]
    public async Task ExportInARequest_ByARelay_IsItsChild()
    {
        await using var collector = await Collector.StartAsync();
        using var channel = GrpcChannel.ForAddress(collector.Address);
        var bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);
        var export = new Method<byte[], byte[]>(MethodType.Unary, ExportPath, "Export", bytes, bytes);
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/relay", async () =>
            {
                using var call = channel.CreateCallInvoker().AsyncUnaryCall(export, null, default, []);
                await call.ResponseAsync;
            }),
            options: o => o.Ignore.Sources.Add(Collector.SourceName));
        await app.GetAsync("/relay");
        var spans = await app.StopAsync();

        Assert.Equal(
            $"""
            SERVER GET /relay
              CLIENT {ExportPath}/Export
            """,
            TraceOutline.Of(spans));
        Assert.Equal($"00-{TracedApp.TraceId}-{spans.Single(span => span.Kind == "CLIENT").Id}-01", Assert.Single(collector.TraceParents));
    }

    private static async Task<string> LogAsync(Uri endpoint, Serilog.Sinks.OpenTelemetry.OtlpProtocol protocol)
    {
        await using var app = await TracedApp.StartAsync(
            app => app.MapGet("/orders", async (ILogger<SerilogOpenTelemetryTests> logger) =>
            {
                logger.LogInformation("hello");
                await Log.CloseAndFlushAsync();
            }),
            builder =>
            {
                Log.Logger = new LoggerConfiguration().WriteTo.OpenTelemetry(o => (o.Endpoint, o.Protocol) = (endpoint.ToString(), protocol)).CreateLogger();
                builder.Services.AddSerilog();
            },
            o => o.Ignore.Sources.Add(Collector.SourceName));
        await app.GetAsync("/orders");
        return TraceOutline.Of(await app.StopAsync());
    }

    // Takes any export over gRPC.
    private sealed class Collector(WebApplication app) : IAsyncDisposable
    {
        // Its requests would be recorded: it is a host in the same process.
        public const string SourceName = "Collector";

        private readonly ConcurrentQueue<string> _traceParents = new();

        public Uri Address => new(app.Urls.Single());

        public IReadOnlyList<string> TraceParents => [.. _traceParents];

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.Services.AddSingleton(new ActivitySource(SourceName));
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2));
            var collector = new Collector(builder.Build());
            await collector.RunAsync();
            return collector;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private Task RunAsync()
        {
            app.Run(async context =>
            {
                _traceParents.Enqueue($"{context.Request.Headers.TraceParent}");
                await context.Request.BodyReader.CopyToAsync(Stream.Null);
                context.Response.ContentType = "application/grpc";
                // An empty message.
                await context.Response.Body.WriteAsync(new byte[5]);
                context.Response.AppendTrailer("grpc-status", "0");
            });
            return app.StartAsync();
        }
    }
}
