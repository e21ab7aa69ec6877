using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Benchmarks.Engine;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>What tracing costs a Kestrel service, request by request, beside no tracing and beside the peer. One process each, rounds interleaved.</summary>
internal static class EndToEndComparison
{
    private const int Rounds = 5;
    private const int Connections = 8;

    private sealed record Cost(double CpuMicroseconds, double Bytes, double PauseMicroseconds, double ResidentMegabytes);

    public static async Task<bool> RunAsync(int requests)
    {
        await using var downstream = await DownstreamAsync();
        var target = downstream.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        var services = new Dictionary<string, (Process Process, Uri Address, string Started)>();
        try
        {
            foreach (var variant in Variant.Names) services[variant] = await StartAsync(variant, target);
            var met = true;
            foreach (var path in (string[])["/hello", "/call"])
            {
                var costs = Variant.Names.ToDictionary(name => name, _ => new List<Cost>());
                foreach (var variant in Variant.Names) await LoadAsync(services[variant].Address, path, requests / 2);
                for (var round = 0; round < Rounds; round++)
                {
                    foreach (var variant in Variant.Names) costs[variant].Add(await MeasureAsync(services[variant].Address, path, requests));
                }

                met &= Print(path, costs.ToDictionary(c => c.Key, c => Median(c.Value)), services.ToDictionary(s => s.Key, s => s.Value.Started));
            }

            return met;
        }
        finally
        {
            foreach (var (process, _, _) in services.Values)
            {
                process.StandardInput.Close();
                process.WaitForExit();
            }
        }
    }

    private static bool Print(string path, Dictionary<string, Cost> costs, Dictionary<string, string> started)
    {
        var floor = costs["none"];
        Console.WriteLine();
        Console.WriteLine($"GET {path}            CPU us   extra     B/request   extra   GC pause us/1000   RSS MB   first request ms");
        foreach (var (name, cost) in costs)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-16} {cost.CpuMicroseconds,12:F2} {cost.CpuMicroseconds - floor.CpuMicroseconds,7:F2} {cost.Bytes,13:F0} {cost.Bytes - floor.Bytes,7:F0} {cost.PauseMicroseconds * 1000,18:F0} {cost.ResidentMegabytes,8:F0} {started[name],18}"));
        }

        var met = true;
        foreach (var kind in (string[])["otlp", "zipkin", "unsampled"])
        {
            var (ours, peer) = (costs["ours-" + kind], costs["peer-" + kind]);
            var limit = kind == "unsampled" ? 1.0 : 0.5;
            met &= Ratio($"{kind} CPU", ours.CpuMicroseconds - floor.CpuMicroseconds, peer.CpuMicroseconds - floor.CpuMicroseconds, limit);
            met &= Ratio($"{kind} bytes", ours.Bytes - floor.Bytes, peer.Bytes - floor.Bytes, limit);
        }

        return met;
    }

    private static bool Ratio(string name, double ours, double peer, double limit)
    {
        // Less than a byte, or a microsecond, where the peer adds nothing at all: noise.
        var ratio = peer <= 0 ? (ours < 1 ? 0 : double.PositiveInfinity) : ours / peer;
        var met = ratio <= limit;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-18} extra, ours/peer {ratio,6:F2}   target {limit:F1}   {(met ? "met" : "MISSED")}"));
        return met;
    }

    private static Cost Median(List<Cost> costs) => new(
        Middle(costs.Select(c => c.CpuMicroseconds)), Middle(costs.Select(c => c.Bytes)),
        Middle(costs.Select(c => c.PauseMicroseconds)), costs[^1].ResidentMegabytes);

    private static double Middle(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private static async Task<Cost> MeasureAsync(Uri service, string path, int requests)
    {
        var before = await StatsAsync(service);
        await LoadAsync(service, path, requests);
        var after = await StatsAsync(service);
        return new Cost(
            (after[0] - before[0]) / requests, (after[1] - before[1]) / requests, (after[2] - before[2]) / requests, after[3] / 1024 / 1024);
    }

    private static async Task<double[]> StatsAsync(Uri service)
    {
        using var client = new HttpClient();
        var text = await client.GetStringAsync(new Uri(service, "/stats"));
        return [.. text.Split(' ').Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
    }

    // Plain sockets: the load must cost as little as possible, and carry no headers of its own.
    private static Task LoadAsync(Uri service, string path, int requests) => Task.WhenAll(Enumerable.Range(0, Connections).Select(async _ =>
    {
        var request = System.Text.Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {service.Authority}\r\n\r\n");
        var buffer = new byte[4096];
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(service.Host, service.Port);
        for (var i = 0; i < requests / Connections; i++)
        {
            await socket.SendAsync(request);
            var length = 0;
            while (true)
            {
                length += await socket.ReceiveAsync(buffer.AsMemory(length));
                var text = buffer.AsSpan(0, length);
                // A short body arrives with its chunk end or in full; the service always answers "hello".
                if (text.IndexOf("hello"u8) >= 0 && (text.IndexOf("chunked"u8) < 0 || text.EndsWith("0\r\n\r\n"u8))) break;
            }
        }
    }));

    private static async Task<(Process Process, Uri Address, string Started)> StartAsync(string variant, string downstream)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Measurement.HostArguments(), "serve", variant, downstream])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["DOTNET_gcServer"] = "0", ["DOTNET_TieredPGO"] = "1" },
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The service with {variant} did not start.");
        var parts = line.Split(' ');
        return (process, new Uri(parts[0]), parts[1]);
    }

    private static async Task<WebApplication> DownstreamAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.MapGet("/hello", () => "hello");
        await app.StartAsync();
        return app;
    }
}
