using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>What a process spent on each of its spans.</summary>
internal sealed record Measurement(double CpuNanoseconds, double UserNanoseconds, double Bytes, double PauseMilliseconds, int Gen1)
{
    /// <summary>Measures in this process: variant, threads, spans.</summary>
    public static int Run(string[] args)
    {
        var threads = int.Parse(args[1], CultureInfo.InvariantCulture);
        var spans = int.Parse(args[2], CultureInfo.InvariantCulture);
        using (Recorder.Start(args[0]))
        {
            // Until the hot path is compiled for good.
            Spans(threads, 400_000);
            Thread.Sleep(500);
            Spans(threads, 100_000);

            GC.Collect();
            var process = Process.GetCurrentProcess();
            var cpu = process.TotalProcessorTime;
            var user = process.UserProcessorTime;
            var bytes = GC.GetTotalAllocatedBytes(precise: true);
            var pause = GC.GetTotalPauseDuration();
            var gen1 = GC.CollectionCount(1);
            Spans(threads, spans);
            process.Refresh();
            var measured = new Measurement(
                (process.TotalProcessorTime - cpu).TotalNanoseconds / spans,
                (process.UserProcessorTime - user).TotalNanoseconds / spans,
                (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)spans,
                (GC.GetTotalPauseDuration() - pause).TotalMilliseconds,
                GC.CollectionCount(1) - gen1);
            Console.WriteLine(JsonSerializer.Serialize(measured));
        }

        return 0;
    }

    /// <summary>
    /// Measures each variant in a process of its own, several times in turn, so that what disturbs the machine disturbs all of them.
    /// Of processor time and pauses the least counts, since what disturbs only ever adds; of the rest the median.
    /// </summary>
    public static Measurement[] Take(string[] variants, int threads, int spans, int times)
    {
        var all = variants.Select(_ => new List<Measurement>()).ToArray();
        for (var round = 0; round < times; round++)
        {
            for (var i = 0; i < variants.Length; i++) all[i].Add(Take(variants[i], threads, spans));
        }

        return [.. all.Select(rounds => new Measurement(
            rounds.Min(one => one.CpuNanoseconds),
            rounds.Min(one => one.UserNanoseconds),
            Median(rounds.Select(one => one.Bytes)),
            rounds.Min(one => one.PauseMilliseconds),
            (int)Median(rounds.Select(one => (double)one.Gen1))))];
    }

    /// <summary>What to put before a command's arguments to run it in another process of this program.</summary>
    public static IEnumerable<string> HostArguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(Measurement).Assembly.Location] : [];

    private static Measurement Take(string variant, int threads, int spans)
    {
        using var process = Process.Start(new ProcessStartInfo(
            Environment.ProcessPath!,
            [.. HostArguments(), "measure", variant, $"{threads}", $"{spans}"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? JsonSerializer.Deserialize<Measurement>(output)! : throw new InvalidOperationException(error.Result);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static void Spans(int threads, int spans)
    {
        Thread[] all = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < spans / threads; i++) Workload.StartStop();
        }))];
        foreach (var thread in all) thread.Start();
        foreach (var thread in all) thread.Join();
    }
}
