using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Serilog;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Logs;

[WorksWith("Serilog.Sinks.OpenTelemetry", "none of its exports, over HTTP and gRPC", SetUp = "nothing; [other sinks](#sinks-of-log-libraries)", Name = "Serilog")]
public sealed class SerilogOpenTelemetryTests
{
    private const string ExportPath = "opentelemetry.proto.collector.logs.v1.LogsService";

    [Fact]
    public async Task ExportsOverHttp_MakeNoSpans()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        var tree = await LogAsync(new Uri(inbox.Http, "v1/logs"), Serilog.Sinks.OpenTelemetry.OtlpProtocol.HttpProtobuf);

        Assert.Contains(inbox.Logs, log => log.Message == "hello");
        Assert.Equal("SERVER GET /orders", tree);
    }

    [Fact]
    public async Task ExportsOverGrpc_MakeNoSpans()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        var tree = await LogAsync(inbox.Grpc, Serilog.Sinks.OpenTelemetry.OtlpProtocol.Grpc);

        Assert.NotEmpty(inbox.Requests);
        Assert.Equal("SERVER GET /orders", tree);
    }

    [Fact]
    public async Task ExportInARequest_ByARelay_IsItsChild()
    {
        await using var inbox = await OtlpInbox.StartAsync();
        using var channel = GrpcChannel.ForAddress(inbox.Grpc);
        var bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);
        var export = new Method<byte[], byte[]>(MethodType.Unary, ExportPath, "Export", bytes, bytes);
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/relay", async () =>
        {
            using var call = channel.CreateCallInvoker().AsyncUnaryCall(export, null, default, []);
            await call.ResponseAsync;
        }));
        await app.GetAsync("/relay");
        var spans = await app.StopAsync();

        Assert.Equal(
            $"""
            SERVER GET /relay
              CLIENT {ExportPath}/Export
            """,
            TraceOutline.Of(spans));
        Assert.Equal($"00-{TracedApp.TraceId}-{spans.Single(span => span.Kind == "CLIENT").Id}-01", Assert.Single(inbox.Requests).Headers["traceparent"]);
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
            });
        await app.GetAsync("/orders");
        return TraceOutline.Of(await app.StopAsync());
    }
}
