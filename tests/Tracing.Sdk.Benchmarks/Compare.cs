using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Benchmarks.EndToEnd;
using Tracing.Sdk.Benchmarks.Engine;
using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Benchmarks;

/// <summary>Ours beside the floor and the peer, in one table that says which targets are met.</summary>
internal static class Compare
{
    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = args.Select(arg => int.TryParse(arg, CultureInfo.InvariantCulture, out var count) ? count : 0).FirstOrDefault(count => count > 0, 25);
        var all = !args.Any(arg => arg is "encode" or "record" or "child" or "hook" or "bytes");
        var table = new List<Row>();
        if (all || args.Contains("encode")) Encode(table);
        if (all || args.Contains("record")) Record(table, rounds);
        if (all || args.Contains("child")) Child(table);
        if (all || args.Contains("hook")) Hook(table, rounds);
        if (all || args.Contains("bytes")) await BytesAsync(table);

        Console.WriteLine("| what | ours | floor | peer | ratio | target | |");
        Console.WriteLine("|---|--:|--:|--:|--:|--:|---|");
        foreach (var row in table) Console.WriteLine(row);
        return table.All(row => row.IsMet) ? 0 : 1;
    }

    private static void Encode(List<Row> table)
    {
        var benchmarks = new EncodeBenchmarks();
        var otlp = Time(() => benchmarks.Encode_Otlp());
        var peerOtlp = Time(() => benchmarks.Encode_Otlp_OpenTelemetry());
        var zipkin = Time(() => benchmarks.Encode_Zipkin());
        var peerZipkin = Time(() => benchmarks.Encode_Zipkin_OpenTelemetry());
        table.Add(Row.AgainstPeer("encode OTLP, 8 tags, ns", otlp.Nanoseconds, peerOtlp.Nanoseconds, 0.6));
        table.Add(Row.AgainstPeer("encode Zipkin, 8 tags, ns", zipkin.Nanoseconds, peerZipkin.Nanoseconds, 0.3));
        table.Add(Row.Information("encode OTLP, the encoder alone, ns", Time(() => benchmarks.EncodeOnly_Otlp()).Nanoseconds));
        table.Add(Row.Information("encode Zipkin, the encoder alone, ns", Time(() => benchmarks.EncodeOnly_Zipkin()).Nanoseconds));
        table.Add(Row.Absolute("encode OTLP, garbage, B", otlp.Bytes, peerOtlp.Bytes, 1));
        table.Add(Row.Absolute("encode Zipkin, garbage, B", zipkin.Bytes, peerZipkin.Bytes, 1));
    }

    private static void Record(List<Row> table, int rounds)
    {
        using var bare = Recorder.Bare();
        using var other = Recorder.Peer();
        foreach (var threads in (int[])[1, 2])
        {
            // One recorder at a time: a second one that is live makes each mark its spans, which no service with one host pays for.
            var (floor, ours, peer) = Take("otlp", threads);
            var (_, oursZipkin, _) = Take("zipkin", threads);
            var name = threads == 1 ? "one thread" : $"{threads} threads";
            table.Add(Row.AgainstFloor($"record, {name}, CPU ns", ours.CpuNanoseconds, floor.CpuNanoseconds, peer.CpuNanoseconds, ours.CpuRatio, 1.3));
            table.Add(Row.AgainstFloor($"record for Zipkin, {name}, CPU ns", oursZipkin.CpuNanoseconds, floor.CpuNanoseconds, peer.CpuNanoseconds, oursZipkin.CpuRatio, 1.3));
            table.Add(Row.AgainstFloor(
                $"record, {name}, GC pause us/1000", ours.PauseMicroseconds, floor.PauseMicroseconds, peer.PauseMicroseconds, ours.PauseMicroseconds / floor.PauseMicroseconds, 1.5));
            table.Add(Row.Absolute($"record, {name}, extra garbage, B", ours.Bytes - floor.Bytes, peer.Bytes - floor.Bytes, 16));
            table.Add(Row.Information($"record, {name}, gen-1 collections", ours.Gen1, floor.Gen1, peer.Gen1));
            table.Add(Row.Information($"record, {name}, the peer's CPU against the floor", peer.CpuRatio));
        }

        (Measurement Floor, Measurement Ours, Measurement Peer) Take(string exporter, int threads)
        {
            using var ours = Recorder.Ours(Workload.ToSink(exporter), new SpanMetrics());
            var all = Measurement.Take([bare, ours, other], threads, rounds);
            return (all[0], all[1], all[2]);
        }
    }

    // The shortest way through the sampler. Spans are as short as they can be, so that a few nanoseconds show.
    private static void Child(List<Row> table)
    {
        table.Add(Row.Information("record a child without tags, best, ns", TimeChildren(() => Recorder.Ours(Workload.ToSink("otlp"), new SpanMetrics())), TimeChildren(Recorder.Bare)));

        static double TimeChildren(Func<Recorder> create)
        {
            using var recorder = create();
            using var parent = recorder.Source.StartActivity("parent");
            return Time(() =>
            {
                for (var i = 0; i < EncodeBenchmarks.Spans; i++) recorder.Source.StartActivity("child")!.Dispose();
                return 0;
            }).Nanoseconds;
        }
    }

    // What the user's say costs a span of six tags. One recorder at a time, as above.
    private static void Hook(List<Row> table, int rounds)
    {
        using var bare = Recorder.Bare();
        var settings = Workload.ToSink("otlp");
        var removed = settings with { Limits = settings.Limits with { Removed = new RemovedAttributes(["url.path"]) } };
        Add("no hook", settings);
        Add("a hook that reads the name", settings, static span => _ = span.Name.Length);
        Add("a hook with one removal", settings, static span => span.Remove("url.path"));
        Add("one removed name", removed);

        void Add(string name, ExporterSettings settings, Action<EndedSpan>? hook = null)
        {
            using var ours = Recorder.Ours(settings, new SpanMetrics(), hook);
            var all = Measurement.Take([bare, ours], threads: 1, rounds);
            table.Add(Row.Information($"record, {name}, CPU ns", all[1].CpuNanoseconds, all[0].CpuNanoseconds));
            table.Add(Row.Absolute($"record, {name}, extra garbage, B", all[1].Bytes - all[0].Bytes, null, 16));
        }
    }

    // The server span of one request, for what both send and for what each sends by default.
    private static async Task BytesAsync(List<Row> table)
    {
        foreach (var exporter in (string[])["otlp", "zipkin"])
        {
            var peer = await SpanSizes.PeerAsync(exporter);
            table.Add(Row.AgainstPeer($"a server span of the same facts, {exporter}, B", await SpanSizes.OursAsync(exporter, SpanSizes.Addresses), peer, 1));
            table.Add(Row.Information($"a server span with addresses, {exporter}, B", await SpanSizes.OursAsync(exporter), peer: peer));
        }
    }

    // Long enough for the last tier of the compiler; then the best of many short runs: what disturbs only ever adds.
    private static (double Nanoseconds, double Bytes) Time(Func<long> run)
    {
        for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < 2000;) run();
        Thread.Sleep(300);
        const int Runs = 10_000;
        var best = long.MaxValue;
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Runs; i++)
        {
            var start = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetTimestamp() - start);
        }

        return (
            best * 1e9 / Stopwatch.Frequency / EncodeBenchmarks.Spans,
            (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Runs / EncodeBenchmarks.Spans);
    }

    private sealed record Row(string What, double Ours, double? Floor, double? Peer, double? Ratio, string Target, bool IsMet, bool IsTarget = true)
    {
        public static Row AgainstPeer(string what, double ours, double peer, double target) =>
            new(what, ours, null, peer, ours / peer, Text($"{target:0.0#} x peer"), ours <= target * peer);

        public static Row AgainstFloor(string what, double ours, double floor, double peer, double ratio, double target) =>
            new(what, ours, floor, peer, ratio, Text($"{target:0.0#} x floor"), ratio <= target);

        public static Row Absolute(string what, double ours, double? peer, double target) =>
            new(what, ours, null, peer, null, Text($"{target:0}"), ours <= target);

        public static Row Information(string what, double ours, double? floor = null, double? peer = null) => new(what, ours, floor, peer, null, "", true, false);

        public override string ToString() =>
            Text($"| {What} | {Ours:0.#} | {Floor:0.#} | {Peer:0.#} | {Ratio:0.00} | {Target} | {(IsTarget ? IsMet ? "met" : "MISSED" : "")} |");

        private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }
}
