namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>What the process spent on each span of one recorder, all its threads together.</summary>
/// <param name="CpuNanoseconds">Processor time a span, the median of the rounds.</param>
/// <param name="CpuRatio">The same against the first recorder, round by round; the median.</param>
/// <param name="Bytes">Garbage a span.</param>
/// <param name="PauseMicroseconds">Pauses of the garbage collector for a thousand spans.</param>
/// <param name="Gen1">Collections of the first generation.</param>
internal sealed record Measurement(double CpuNanoseconds, double CpuRatio, double Bytes, double PauseMicroseconds, int Gen1)
{
    // A third of a second or so: short enough that what disturbs the machine disturbs a recorder and its neighbours in the round alike.
    private const int SpansPerRound = 400_000;
    private const int WarmUpRounds = 4;

    /// <summary>Measures in rounds, the recorders in turn.</summary>
    public static Measurement[] Take(IReadOnlyList<Recorder> recorders, int threads, int rounds)
    {
        for (var round = 0; round < WarmUpRounds; round++)
        {
            foreach (var recorder in recorders) Spans(recorder, threads);
            // For the compiler's last tier.
            Thread.Sleep(300);
        }

        var all = recorders.Select(_ => new List<Measurement>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < recorders.Count; i++) all[i].Add(Round(recorders[i], threads, i == 0 ? null : all[0][^1]));
        }

        return [.. all.Select(own => new Measurement(
            Median(own.Select(one => one.CpuNanoseconds)),
            Median(own.Select(one => one.CpuRatio)),
            Median(own.Select(one => one.Bytes)),
            own.Average(one => one.PauseMicroseconds),
            own.Sum(one => one.Gen1)))];
    }

    private static Measurement Round(Recorder recorder, int threads, Measurement? first)
    {
        GC.Collect();
        var cpu = Environment.CpuUsage.TotalTime;
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var pause = GC.GetTotalPauseDuration();
        var gen1 = GC.CollectionCount(1);
        Spans(recorder, threads);
        var nanoseconds = (Environment.CpuUsage.TotalTime - cpu).TotalNanoseconds / SpansPerRound;
        return new Measurement(
            nanoseconds,
            first is null ? 1 : nanoseconds / first.CpuNanoseconds,
            (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)SpansPerRound,
            (GC.GetTotalPauseDuration() - pause).TotalMicroseconds * 1000 / SpansPerRound,
            GC.CollectionCount(1) - gen1);
    }

    private static void Spans(Recorder recorder, int threads)
    {
        Thread[] all = [.. Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < SpansPerRound / threads; i++) Workload.StartStop(recorder.Source, i);
        }))];
        foreach (var thread in all) thread.Start();
        foreach (var thread in all) thread.Join();
        recorder.Flush();
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
