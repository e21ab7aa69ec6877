using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>
/// What tracing costs a Kestrel service, request by request, beside no tracing and beside the peer. One process each, which take turns:
/// only one works at a time, and each round is compared with the round of the untraced service next to it.
/// </summary>
internal static class EndToEndComparison
{
    private const int RequestsPerRound = 5_000;
    private const int WarmUpRounds = 8;

    /// <summary>Ours beside the peer.</summary>
    public static Task<bool> RunAsync(int rounds) => RunAsync(Variant.Names, ["/hello", "/call"], rounds, PrintTargets);

    /// <summary>What rules cost a request, and what a request costs that is left out. <c>DisableTracing</c> has to cost less than a request that is not sampled.</summary>
    public static Task<bool> RunRulesAsync(int rounds) => RunAsync(Variant.RuleNames, ["/hello", "/call"], rounds, static extra =>
        Ratio("DisableTracing CPU", extra("ours-disabled", c => c.CpuMicroseconds), extra("ours-unsampled", c => c.CpuMicroseconds), 1.0, "unsampled"));

    private static async Task<bool> RunAsync(IReadOnlyList<string> variants, string[] paths, int rounds, Func<Func<string, Func<Cost, double>, double>, bool> printTargets)
    {
        var services = new List<(string Name, Process Process, string Started)>();
        try
        {
            foreach (var variant in variants) services.Add(await StartAsync(variant));
            var met = true;
            foreach (var path in paths)
            {
                for (var round = 0; round < WarmUpRounds; round++)
                {
                    foreach (var service in services) await MeasureAsync(service.Process, path);
                    // For the compiler's last tier.
                    await Task.Delay(100);
                }

                var costs = services.ToDictionary(service => service.Name, _ => new List<Cost>());
                for (var round = 0; round < rounds; round++)
                {
                    foreach (var service in services) costs[service.Name].Add(await MeasureAsync(service.Process, path));
                }

                met &= Print(path, costs, services.ToDictionary(s => s.Name, s => s.Started), printTargets);
            }

            return met;
        }
        finally
        {
            foreach (var (_, process, _) in services)
            {
                process.StandardInput.Close();
                process.WaitForExit();
            }
        }
    }

    private static bool Print(string path, Dictionary<string, List<Cost>> costs, Dictionary<string, string> started, Func<Func<string, Func<Cost, double>, double>, bool> printTargets)
    {
        var floor = costs["none"];
        double Extra(string name, Func<Cost, double> of) => Median(costs[name].Zip(floor, (cost, without) => of(cost) - of(without)));

        Console.WriteLine();
        Console.WriteLine($"GET {path}            CPU us   extra     B/request   extra   GC pause us/1000   RSS MB   first request ms");
        foreach (var (name, own) in costs)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-16} {Median(own.Select(c => c.CpuMicroseconds)),12:F2} {Extra(name, c => c.CpuMicroseconds),7:F2} {Median(own.Select(c => c.Bytes)),13:F0} {Extra(name, c => c.Bytes),7:F0} {own.Average(c => c.PauseMicroseconds) * 1000,18:F0} {own[^1].ResidentMegabytes,8:F0} {started[name],18}"));
        }

        return printTargets(Extra);
    }

    private static bool PrintTargets(Func<string, Func<Cost, double>, double> extra)
    {
        var met = true;
        foreach (var kind in (string[])["otlp", "zipkin", "unsampled"])
        {
            var (ours, peer) = ("ours-" + kind, "peer-" + kind);
            var limit = kind == "unsampled" ? 1.0 : 0.5;
            met &= Ratio($"{kind} CPU", extra(ours, c => c.CpuMicroseconds), extra(peer, c => c.CpuMicroseconds), limit);
            met &= Ratio($"{kind} bytes", extra(ours, c => c.Bytes), extra(peer, c => c.Bytes), limit);
        }

        return met;
    }

    private static bool Ratio(string name, double ours, double peer, double limit, string other = "peer")
    {
        // Less than a byte, or a microsecond, where the peer adds nothing at all: noise.
        var ratio = peer <= 0 ? (ours < 1 ? 0 : double.PositiveInfinity) : ours / peer;
        var met = ratio <= limit;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-18} extra, ours/{other} {ratio,6:F2}   target {limit:F1}   {(met ? "met" : "MISSED")}"));
        return met;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static async Task<Cost> MeasureAsync(Process service, string path)
    {
        await service.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{path} {RequestsPerRound}"));
        return JsonSerializer.Deserialize<Cost>(await service.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The service ended."))!;
    }

    private static async Task<(string Name, Process Process, string Started)> StartAsync(string variant)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. HostArguments(), "serve", variant])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["DOTNET_gcServer"] = "0", ["DOTNET_TieredPGO"] = "1" },
        })!;
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The service with {variant} did not start.");
        return (variant, process, line);
    }

    // What to put before a command's arguments to run it in another process of this program.
    private static IEnumerable<string> HostArguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(EndToEndComparison).Assembly.Location] : [];
}
