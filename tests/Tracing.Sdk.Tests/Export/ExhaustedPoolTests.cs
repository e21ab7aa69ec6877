using System.Diagnostics.Tracing;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Grpc;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Export;

/// <summary>Exports while every thread of the pool is blocked, and 2000 work items with them.</summary>
[Collection(Alone.Name)]
public sealed class ExhaustedPoolTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly TestAuthority _authority = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Export_WarmConnection_DeliversWithinASecond(bool isSecure)
    {
        using var collector = Collector(isSecure);
        using var exporter = Exporter(collector);
        Assert.True(collector.Connected.Wait(Long));
        Assert.True(exporter.Add().Flush());
        using (new ExhaustedPool())
        {
            Assert.True(exporter.Add(2).Flush(TimeSpan.FromSeconds(1)));
            Assert.True(exporter.Add(3).Flush(TimeSpan.FromSeconds(1)));
        }

        exporter.AssertCounts(exported: 6);
        Assert.Equal(1, collector.Connections);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Export_ConnectionWithoutARequestSoFar_DeliversWithinASecond(bool isSecure)
    {
        using var connections = new ConnectionListener();
        using var collector = Collector(isSecure);
        using var exporter = Exporter(collector);
        Assert.True(connections.Established.Wait(Long));
        WaitUntilThePoolIsIdle();
        using (new ExhaustedPool()) Assert.True(exporter.Add(2).Flush(TimeSpan.FromSeconds(1)));
        exporter.AssertCounts(exported: 2);
        Assert.Equal(1, collector.Connections);
    }

    [Fact]
    public void Export_NoConnectionYet_KeepsTheSpansAndDeliversThemWhenThePoolRecovers()
    {
        using var collector = new ScriptedCollector();
        using var pool = new ExhaustedPool();
        using var exporter = Exporter(collector);
        exporter.Time.IsHeld = true;
        exporter.Time.LeavesNoTime = true;
        Assert.False(exporter.Add(2).Flush());
        Assert.False(exporter.Add(3).Flush());
        exporter.AssertCounts(inFlight: 5);
        Assert.Contains("needs the thread pool, which is exhausted", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);

        pool.Dispose();
        exporter.Time.LeavesNoTime = false;
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 5);
    }

    // HTTP/2 writes and reads on the pool, so a gRPC export waits for it. A timer runs on the pool as well, and one that is late gives the answer time to be read.
    [Fact]
    public void Export_GrpcAndItsTimeIsLongUp_DeliversWhenThePoolRecovers()
    {
        using var collector = new ThreadedGrpcCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, ExporterUnderTest.AsOtlpGrpc);
        Assert.True(exporter.Add().Flush());
        using (new ExhaustedPool())
        {
            Assert.False(exporter.Add(2).Flush(TimeSpan.FromMilliseconds(200)));
            exporter.Time.Advance(TimeSpan.FromMinutes(1));
            exporter.AssertCounts(exported: 1, inFlight: 2);
        }

        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 3);
        Assert.Equal(2, collector.Calls);
        Assert.Empty(exporter.Log.Lines);
    }

    [Fact]
    public void Shutdown_GrpcAndNoAnswer_EndsInItsTime()
    {
        using var collector = new ThreadedGrpcCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint, ExporterUnderTest.AsOtlpGrpc);
        Assert.True(exporter.Add().Flush());
        using (new ExhaustedPool())
        {
            exporter.Add(2);
            exporter.Shutdown(TimeSpan.FromMilliseconds(100));
        }

        exporter.AssertCounts(exported: 1, dropped: 2, reason: DropReason.Shutdown);
    }

    // The timeout of a request needs a timer, and so the pool; the thread that stops the exporter needs none.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Shutdown_CollectorThatNeverAnswers_EndsInItsTime(bool isSecure)
    {
        using var collector = Collector(isSecure);
        collector.Then(ScriptedCollector.Reply(200), (stream, _, _) => Assert.Equal(-1, stream.ReadByte()));
        using var exporter = Exporter(collector);
        Assert.True(exporter.Add().Flush());
        using (new ExhaustedPool())
        {
            exporter.Add(2);
            exporter.Shutdown(TimeSpan.FromMilliseconds(100));
            // The export thread is not left behind in its request.
            Assert.True(collector.Closed.Wait(Long));
        }

        exporter.AssertCounts(exported: 1, dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Shutdown_NoConnectionYet_EndsInItsTime()
    {
        using var collector = new ScriptedCollector();
        using (new ExhaustedPool())
        {
            using var exporter = Exporter(collector);
            exporter.Add(2);
            exporter.Shutdown(TimeSpan.FromMilliseconds(100));
            exporter.AssertCounts(dropped: 2, reason: DropReason.Unreachable);
        }
    }

    public void Dispose() => _authority.Dispose();

    // The work that the start of the exporter has queued is done.
    private static void WaitUntilThePoolIsIdle()
    {
        for (var i = 0; i < 3; i++)
        {
            using var done = new ManualResetEventSlim();
            ThreadPool.UnsafeQueueUserWorkItem(_ => done.Set(), null);
            Assert.True(done.Wait(Long));
        }

        Assert.True(SpinWait.SpinUntil(() => ThreadPool.PendingWorkItemCount == 0, Long));
    }

    private ScriptedCollector Collector(bool isSecure) => new(certificate: isSecure ? _authority.Issue("localhost") : null);

    private ExporterUnderTest Exporter(ScriptedCollector collector) => new(
        collector.Endpoint, settings => settings with { CertificateFile = _authority.Write("ca.pem", _authority.Pem) });

    /// <summary>Hears from the platform's HTTP stack when it has established a connection.</summary>
    private sealed class ConnectionListener : EventListener
    {
        public ManualResetEventSlim Established { get; } = new();

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "System.Net.Http") EnableEvents(eventSource, EventLevel.Informational);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "ConnectionEstablished") Established.Set();
        }
    }

    /// <summary>Blocks the pool until it is disposed of, and lets it grow no further.</summary>
    private sealed class ExhaustedPool : IDisposable
    {
        private const int WorkItems = 2000;

        private readonly ManualResetEventSlim _release = new();
        private readonly CountdownEvent _left = new(WorkItems);
        private readonly (int Worker, int Io) _max;
        private bool _isReleased;

        public ExhaustedPool()
        {
            ThreadPool.GetMaxThreads(out _max.Worker, out _max.Io);
            ThreadPool.GetMinThreads(out var worker, out var io);
            Assert.True(ThreadPool.SetMaxThreads(Math.Max(worker, ThreadPool.ThreadCount), io));
            for (var i = 0; i < WorkItems; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        _release.Wait();
                        _left.Signal();
                    },
                    null);
            }
        }

        public void Dispose()
        {
            if (_isReleased) return;
            _isReleased = true;
            ThreadPool.SetMaxThreads(_max.Worker, _max.Io);
            _release.Set();
            Assert.True(_left.Wait(Long));
        }
    }
}
