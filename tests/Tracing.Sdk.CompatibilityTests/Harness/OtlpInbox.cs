using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>A collector for OpenTelemetry's exporters, over HTTP and over gRPC. It runs in the process of the test and makes no spans there.</summary>
internal sealed class OtlpInbox : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<OtlpRequest> _requests = new();
    private readonly ConcurrentQueue<LogRecord> _logs = new();
    private readonly SemaphoreSlim _arrivals = new(0);
    private int _failures;

    private OtlpInbox(WebApplication app) => _app = app;

    /// <summary>The base of OTLP over HTTP.</summary>
    public Uri Http => new(_app.Urls.First());

    /// <summary>The address of OTLP over gRPC.</summary>
    public Uri Grpc => new(_app.Urls.Last());

    public IReadOnlyList<OtlpRequest> Requests => [.. _requests];

    /// <summary>The spans that came over HTTP.</summary>
    public IReadOnlyList<CollectedSpan> Spans => [.. _requests.Where(request => request.Path == "/v1/traces").SelectMany(request => OtlpReader.Read(request.Body))];

    /// <summary>The logs that came over HTTP.</summary>
    public IReadOnlyList<LogRecord> Logs => [.. _logs];

    /// <param name="failures">How many requests are answered with "unavailable" first.</param>
    public static async Task<OtlpInbox> StartAsync(int failures = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2);
        });
        // Hosting starts its activities from this source. One without a name is heard by no one.
        builder.Services.AddSingleton(new ActivitySource(""));
        var app = builder.Build();
        var inbox = new OtlpInbox(app) { _failures = failures };
        app.MapPost("/{**path}", inbox.Receive);
        await app.StartAsync();
        return inbox;
    }

    /// <summary>Waits for requests, counted from the one after the last wait.</summary>
    public async Task WaitAsync(int requests = 1)
    {
        for (var i = 0; i < requests; i++) Assert.True(await _arrivals.WaitAsync(Patience.Limit), "No export has arrived within a minute.");
    }

    /// <summary>Waits for a log with this message.</summary>
    public async Task WaitForLogAsync(string message)
    {
        using var patience = new CancellationTokenSource(Patience.Limit);
        try
        {
            while (_logs.All(log => log.Message != message)) await _arrivals.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"No log says \"{message}\" within a minute. The last of {_logs.Count}:\n{string.Join('\n', _logs.TakeLast(30))}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _arrivals.Dispose();
    }

    private async Task Receive(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var isGrpc = context.Request.ContentType == "application/grpc";
        var fails = Interlocked.Decrement(ref _failures) >= 0;
        if (isGrpc)
        {
            context.Response.ContentType = "application/grpc";
            if (!fails) await context.Response.Body.WriteAsync(new byte[5]);
            context.Response.AppendTrailer("grpc-status", fails ? "14" : "0");
        }
        else if (fails)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }

        var request = new OtlpRequest(context.Request.Path, context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()[(isGrpc ? 5 : 0)..]);
        _requests.Enqueue(request);
        if (request.Path == "/v1/logs" && !fails) ReadLogs(request.Body);
        _arrivals.Release();
    }

    // ExportLogsServiceRequest.resource_logs = 1; ResourceLogs.scope_logs = 2; ScopeLogs.scope = 1, .log_records = 2;
    // LogRecord.body = 5, .trace_id = 9, .span_id = 10; InstrumentationScope.name = 1; AnyValue.string_value = 1
    private void ReadLogs(byte[] export)
    {
        foreach (var scope in ProtobufFields.At(export, 1, 2))
        {
            var source = Text(scope, 1, 1);
            foreach (var record in ProtobufFields.At(scope, 2)) _logs.Enqueue(new LogRecord(source, Text(record, 5, 1), Hex(record, 9), Hex(record, 10)));
        }

        static string Text(byte[] message, params int[] path) => ProtobufFields.At(message, path).Select(Encoding.UTF8.GetString).FirstOrDefault() ?? "";

        static string? Hex(byte[] message, int field) => ProtobufFields.At(message, field).Select(Convert.ToHexStringLower).FirstOrDefault();
    }
}

/// <summary>One export.</summary>
internal sealed record OtlpRequest(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body);
