using System.Diagnostics;
using System.Globalization;

namespace Tracing.Sdk.Benchmarks;

/// <summary>
/// One table of contenders in one process: peer, floor and us. Each is measured in short rounds, taken in turn, so that a busy machine
/// hits all of them alike; the best round counts. Only ratios within one table mean anything.
/// </summary>
internal sealed class Comparison(string question)
{
    private const int Rounds = 200;
    private const double RoundNanoseconds = 1e6;
    private readonly List<(string Name, Action<int> Loop)> _contenders = [];

    /// <param name="name">What it is.</param>
    /// <param name="loop">Runs the operation as often as it is told, on this thread.</param>
    public Comparison Add(string name, Action<int> loop)
    {
        _contenders.Add((name, loop));
        return this;
    }

    /// <summary>Runs each once, so that the compiler knows this input before it settles on another one's.</summary>
    public void Touch()
    {
        foreach (var (_, loop) in _contenders) loop(1);
    }

    public void Print()
    {
        var counts = _contenders.ConvertAll(c => WarmUp(c.Loop));
        var best = new double[_contenders.Count];
        var bytes = new double[_contenders.Count];
        Array.Fill(best, double.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            for (var i = 0; i < _contenders.Count; i++)
            {
                var allocated = GC.GetAllocatedBytesForCurrentThread();
                var start = Stopwatch.GetTimestamp();
                _contenders[i].Loop(counts[i]);
                best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalNanoseconds / counts[i]);
                bytes[i] = (double)(GC.GetAllocatedBytesForCurrentThread() - allocated) / counts[i];
            }
        }

        Console.WriteLine();
        Console.WriteLine(question);
        Console.WriteLine(Row("", "ns", "ratio", "bytes"));
        for (var i = 0; i < _contenders.Count; i++)
        {
            Console.WriteLine(Row(_contenders[i].Name, Text(best[i], "0.0"), Text(best[i] / best[0], "0.00"), Text(bytes[i], "0")));
        }
    }

    // Long enough for the last tier of the compiler; then as many operations as a round holds.
    private static int WarmUp(Action<int> loop)
    {
        var start = Stopwatch.GetTimestamp();
        var count = 0;
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(400))
        {
            loop(64);
            count += 64;
        }

        start = Stopwatch.GetTimestamp();
        loop(1024);
        var each = Stopwatch.GetElapsedTime(start).TotalNanoseconds / 1024;
        return Math.Clamp((int)(RoundNanoseconds / each), 16, 10_000_000);
    }

    private static string Row(string name, string time, string ratio, string bytes) =>
        string.Create(CultureInfo.InvariantCulture, $"  {name,-64} {time,9} {ratio,7} {bytes,7}");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
