using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>What a service spent on each of the requests of one round, that of making them included.</summary>
internal sealed record Cost(double CpuMicroseconds, double Bytes, double PauseMicroseconds, double ResidentMegabytes);

/// <summary>
/// A service in a process of its own. It prints the milliseconds to its first answered request; then for each line that it reads, a
/// path and a number of requests, what they cost, until its input closes.
/// </summary>
internal static class Service
{
    public static async Task RunAsync(string variant)
    {
        var transport = new MemoryTransport();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton<IConnectionListenerFactory>(transport);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddHttpClient("downstream", client => client.BaseAddress = new Uri("http://downstream/"))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ConnectCallback = (_, _) => new(new CannedStream()) })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        Variant.Configure(builder, variant);

        await using var app = builder.Build();
        var endpoints = app.MapGroup("");
        if (variant == "ours-disabled") endpoints.DisableTracing();
        endpoints.MapGet("/hello", () => "hello");
        endpoints.MapGet("/call", async (IHttpClientFactory clients) => await clients.CreateClient("downstream").GetStringAsync("/hello"));
        await app.StartAsync();
        var connection = transport.Connect();
        await RequestAsync(connection, "/hello", "", 1);
        var started = (DateTime.UtcNow - Process.GetCurrentProcess().StartTime.ToUniversalTime()).TotalMilliseconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{started:F0}"));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ');
            var cost = await MeasureAsync(connection, words[0], int.Parse(words[1], CultureInfo.InvariantCulture));
            Console.WriteLine(JsonSerializer.Serialize(cost));
        }

        await app.StopAsync();
    }

    private static async Task<Cost> MeasureAsync(IDuplexPipe connection, string path, int requests)
    {
        GC.Collect();
        var cpu = Environment.CpuUsage.TotalTime;
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var pause = GC.GetTotalPauseDuration();
        await RequestAsync(connection, path, "", requests);
        return new Cost(
            (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / requests,
            (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)requests,
            (GC.GetTotalPauseDuration() - pause).TotalMicroseconds / requests,
            Environment.WorkingSet / 1048576.0);
    }

    /// <summary>Sends requests one after the other.</summary>
    public static async Task RequestAsync(IDuplexPipe connection, string path, string headers, int count, string host = "service")
    {
        var request = System.Text.Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: load\r\n{headers}\r\n");
        for (var i = 0; i < count; i++)
        {
            await connection.Output.WriteAsync(request);
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                var isAll = IsAll(read.Buffer);
                connection.Input.AdvanceTo(isAll ? read.Buffer.End : read.Buffer.Start, read.Buffer.End);
                if (isAll) break;
            }
        }
    }

    // A body arrives with its chunk end or in full; the service always answers "hello".
    private static bool IsAll(ReadOnlySequence<byte> response)
    {
        var text = response.IsSingleSegment ? response.FirstSpan : response.ToArray();
        return text.IndexOf("hello"u8) >= 0 && (text.IndexOf("chunked"u8) < 0 || text.EndsWith("0\r\n\r\n"u8));
    }
}
