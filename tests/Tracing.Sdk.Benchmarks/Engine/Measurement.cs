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

    /// <summary>Measures in a process of its own, several times, and takes the median.</summary>
    public static Measurement Take(string variant, int threads, int spans, int times)
    {
        var all = new List<Measurement>();
        for (var i = 0; i < times; i++)
        {
            using var process = Process.Start(new ProcessStartInfo(
                Environment.ProcessPath!,
                ["measure", variant, $"{threads}", $"{spans}"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidOperationException(error.Result);
            all.Add(JsonSerializer.Deserialize<Measurement>(output)!);
        }

        return new(
            Median(all.Select(one => one.CpuNanoseconds)),
            Median(all.Select(one => one.UserNanoseconds)),
            Median(all.Select(one => one.Bytes)),
            Median(all.Select(one => one.PauseMilliseconds)),
            (int)Median(all.Select(one => (double)one.Gen1)));
    }

    public static double Median(IEnumerable<double> values)
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
