using System.Collections.Concurrent;
using System.IO.Compression;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.CompatibilityTests.Logs;

namespace Tracing.Sdk.CompatibilityTests.Shop;

/// <summary>Takes metrics and logs by OTLP over HTTP, and reads the logs.</summary>
internal sealed class LogCollector(WebApplication app) : IAsyncDisposable
{
    private readonly ConcurrentQueue<LogRecord> _records = new();
    private int _metrics;

    public string Address => app.Urls.Single();

    public IReadOnlyList<LogRecord> Records => [.. _records];

    /// <summary>The number of requests with metrics.</summary>
    public int Metrics => _metrics;

    public static async Task<LogCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new LogCollector(app);
        app.MapPost("/v1/metrics", () =>
        {
            Interlocked.Increment(ref collector._metrics);
            return Results.Bytes([], "application/x-protobuf");
        });
        app.MapPost("/v1/logs", async (HttpContext context) =>
        {
            using var bytes = new MemoryStream();
            await (context.Request.Headers.ContentEncoding == "gzip" ? new GZipStream(context.Request.Body, CompressionMode.Decompress) : context.Request.Body).CopyToAsync(bytes);
            collector.Read(bytes.ToArray());
            return Results.Bytes([], "application/x-protobuf");
        });
        await app.StartAsync();
        return collector;
    }

    /// <summary>Waits for a record with this message; fails after a minute.</summary>
    public async Task WaitForAsync(string message)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!_records.Any(record => record.Message == message))
        {
            Assert.False(patience.IsCancellationRequested, $"No record says \"{message}\". The last of {_records.Count}:\n{string.Join('\n', _records.TakeLast(30))}");
            await timer.WaitForNextTickAsync();
        }
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    // ExportLogsServiceRequest.resource_logs = 1; ResourceLogs.scope_logs = 2; ScopeLogs.scope = 1, .log_records = 2;
    // LogRecord.body = 5, .trace_id = 9, .span_id = 10; InstrumentationScope.name = 1; AnyValue.string_value = 1
    private void Read(byte[] request)
    {
        foreach (var resource in Fields(request, 1))
        {
            foreach (var scope in Fields(resource, 2))
            {
                var name = Fields(scope, 1).SelectMany(inner => Fields(inner, 1)).Select(text => System.Text.Encoding.UTF8.GetString(text)).FirstOrDefault() ?? "";
                foreach (var record in Fields(scope, 2))
                {
                    var body = Fields(record, 5).SelectMany(value => Fields(value, 1)).Select(text => System.Text.Encoding.UTF8.GetString(text)).FirstOrDefault() ?? "";
                    _records.Enqueue(new LogRecord(name, body, Hex(record, 9), Hex(record, 10)));
                }
            }
        }

        static string? Hex(byte[] record, int field) => Fields(record, field).Select(Convert.ToHexStringLower).FirstOrDefault();
    }

    private static IEnumerable<byte[]> Fields(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited)) yield return input.ReadBytes().ToByteArray();
            else input.SkipLastField();
        }
    }
}
