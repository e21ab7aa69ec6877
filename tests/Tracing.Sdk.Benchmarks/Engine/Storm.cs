using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tracing.Sdk.Export;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Benchmarks.Engine;

/// <summary>Ten thousand spans a second, and a collector that is away half of the time: does the application notice, and does memory stay bounded?</summary>
internal static class Storm
{
    private const int Threads = 4;
    private const int SpansPerSecond = 10_000;
    private static readonly TimeSpan Spell = TimeSpan.FromSeconds(5);

    public static int Run(int seconds)
    {
        Console.WriteLine($"{SpansPerSecond} spans a second for {seconds} s, six tags each; start to stop on the application's thread, in microseconds");
        Console.WriteLine("                                    p50      p99    p99.9      max    RSS MB   spans");
        using (var bare = Recorder.Bare())
        {
            // For the compiler.
            Load(bare.Source, 2, null);
            Print("a listener that does nothing", Load(bare.Source, seconds, null), "");
        }

        var isBalanced = true;
        foreach (var isSteady in (bool[])[true, false])
        {
            using var collector = new Collector();
            using var metrics = new SpanMetrics();
            using var ours = Recorder.Ours(Exporters.Settings("otlp", new MeshTracingOptions()) with { Endpoint = collector.Endpoint }, metrics);
            Load(ours.Source, 2, null);
            var histogram = Load(ours.Source, seconds, isSteady ? null : collector);
            collector.IsUp = true;
            ours.Dispose();
            Print(isSteady ? "ours, collector up" : "ours, collector down half the time", histogram, metrics.ToString());
            var exporter = metrics.Exporters[0];
            isBalanced &= metrics.Started == exporter.Exported + exporter.TotalDropped && exporter.Exported <= collector.Spans();
        }

        Console.WriteLine(isBalanced ? "Every span was exported or dropped with a reason, and no more exported than the collector has." : "THE NUMBERS DO NOT ADD UP");
        return isBalanced ? 0 : 1;
    }

    private static void Print(string name, Histogram histogram, string counts)
    {
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-34} {histogram.At(0.5),6:F1} {histogram.At(0.99),8:F1} {histogram.At(0.999),8:F1} {histogram.At(1),8:F0} {process.WorkingSet64 / 1048576,9} {counts}"));
    }

    private static Histogram Load(ActivitySource source, int seconds, Collector? toggled)
    {
        var all = new Histogram();
        var clock = Stopwatch.StartNew();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            var own = new Histogram();
            for (var done = 0L; clock.Elapsed.TotalSeconds < seconds;)
            {
                var due = (long)(clock.Elapsed.TotalSeconds * SpansPerSecond / Threads);
                for (; done < due; done++)
                {
                    var start = Stopwatch.GetTimestamp();
                    Workload.StartStop(source, (int)done);
                    own.Add(Stopwatch.GetTimestamp() - start);
                }

                Thread.Sleep(1);
            }

            lock (all) all.Add(own);
        }))];
        foreach (var thread in threads) thread.Start();
        while (toggled is not null && clock.Elapsed.TotalSeconds < seconds)
        {
            Thread.Sleep(Spell);
            toggled.IsUp = !toggled.IsUp;
        }

        foreach (var thread in threads) thread.Join();
        return all;
    }

    /// <summary>Counts by size, in steps of a sixteenth.</summary>
    private sealed class Histogram
    {
        private readonly long[] _counts = new long[64 * 16];
        private long _total;
        private long _max;

        public void Add(long ticks)
        {
            var size = Math.Max(16, ticks);
            var shift = 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)size) - 4;
            _counts[(shift * 16) + (int)(size >> shift) - 16]++;
            _total++;
            _max = Math.Max(_max, ticks);
        }

        public void Add(Histogram other)
        {
            for (var i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
            _total += other._total;
            _max = Math.Max(_max, other._max);
        }

        /// <summary>In microseconds.</summary>
        public double At(double part)
        {
            if (part >= 1) return Microseconds(_max);
            var rest = (long)(_total * part);
            for (var i = 0; i < _counts.Length; i++)
            {
                if ((rest -= _counts[i]) < 0) return Microseconds((16L + (i % 16)) << (i / 16));
            }

            return Microseconds(_max);
        }

        private static double Microseconds(long ticks) => ticks * 1e6 / Stopwatch.Frequency;
    }

    /// <summary>Takes OTLP over a socket, counts the spans, and can be away.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly int _port;
        private readonly List<Socket> _connections = [];
        private Socket? _listener;
        private long _spans;

        public Collector()
        {
            IsUp = true;
            _port = ((IPEndPoint)_listener!.LocalEndPoint!).Port;
        }

        public Uri Endpoint => new($"http://127.0.0.1:{_port}/v1/traces");

        public long Spans() => Volatile.Read(ref _spans);

        public bool IsUp
        {
            get => _listener is not null;
            set
            {
                lock (_gate)
                {
                    if (value == IsUp) return;
                    if (value)
                    {
                        var listener = _listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
                        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, _port));
                        listener.Listen();
                        new Thread(() => Accept(listener)) { IsBackground = true }.Start();
                        return;
                    }

                    _listener!.Dispose();
                    _listener = null;
                    foreach (var connection in _connections) connection.Dispose();
                    _connections.Clear();
                }
            }
        }

        public void Dispose() => IsUp = false;

        private void Accept(Socket listener)
        {
            try
            {
                while (true)
                {
                    var connection = listener.Accept();
                    lock (_gate) _connections.Add(connection);
                    new Thread(() => Serve(connection)) { IsBackground = true }.Start();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Down again.
            }
        }

        private void Serve(Socket connection)
        {
            try
            {
                var buffer = new byte[4 * 1024 * 1024];
                var length = 0;
                while (true)
                {
                    var read = connection.Receive(buffer, length, buffer.Length - length, SocketFlags.None);
                    if (read == 0) return;
                    length += read;
                    var head = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) + 4;
                    if (head < 4) continue;
                    var lengthHeader = System.Text.Encoding.ASCII.GetString(buffer, 0, head).Split("Content-Length: ")[1];
                    var body = int.Parse(lengthHeader[..lengthHeader.IndexOf('\r')], CultureInfo.InvariantCulture);
                    if (length < head + body) continue;
                    // Counted before the answer: what the exporter counts as exported is here.
                    Interlocked.Add(ref _spans, SpansIn(buffer.AsSpan(head, body)));
                    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8);
                    length = 0;
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Down, in the midst of a request.
            }
        }

        private static int SpansIn(ReadOnlySpan<byte> body)
        {
            // The name of each span, and in the workload this text is nowhere else.
            var count = 0;
            for (int at; (at = body.IndexOf("GET /orders/{id}"u8)) >= 0; count++) body = body[(at + 1)..];
            return count;
        }
    }
}
