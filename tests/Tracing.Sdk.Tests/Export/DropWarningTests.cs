using Tracing.Sdk.Recording;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export;

/// <summary>A full buffer is reported when it begins to refuse spans and when it has taken all of them for a while.</summary>
public sealed class DropWarningTests
{
    [Fact]
    public void Add_BufferIsFull_LogsBeginAndEnd()
    {
        using var full = new ManualResetEventSlim();
        using var collector = new ScriptedCollector();
        collector.Then((stream, socket, disposed) =>
        {
            full.Wait(disposed);
            Reply(200)(stream, socket, disposed);
        });
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { MaxQueuedSpans = 80 }, isHeld: true);
        exporter.Add(10);
        Assert.False(exporter.Flush(TimeSpan.FromMilliseconds(1)));
        collector.Take();
        exporter.Add(100).Add(100);
        var dropped = exporter.Metrics.TotalDropped;
        Assert.True(dropped > 0);
        Assert.Empty(exporter.Log.Lines);

        full.Set();
        Assert.True(exporter.Flush());
        Assert.True(exporter.Flush());
        Assert.Equal(
            "Warning: Spans are being dropped, because the buffer is full: "
            + $"{collector.Endpoint} takes them more slowly than they end. Raise MeshTracing:Export:Batch:MaxQueueSize, lower MeshTracing:Sampling:Ratio, or make the collector faster.",
            Assert.Single(exporter.Log.Lines));

        exporter.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.True(exporter.Add().Flush());
        Assert.Single(exporter.Log.Lines);
        exporter.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Flush());
        Assert.Equal(2, exporter.Log.Lines.Count);
        Assert.Matches($"^Warning: The buffer has room again after [0-9.]+ s; {dropped} spans were lost.$", exporter.Log.Lines[1]);
        Assert.Equal(dropped, exporter.Metrics.Dropped(DropReason.QueueFull));
    }

    [Fact]
    public void Add_BufferIsFullWithoutServer_LogsIt()
    {
        using var exporter = new ExporterUnderTest(FaultTests.Unused(), settings => settings with { MaxQueuedSpans = 8 }, isHeld: true).Add(3);
        Assert.False(exporter.Flush());
        exporter.Add(100);
        Assert.False(exporter.Flush());
        Assert.False(exporter.Flush());
        Assert.Equal(2, exporter.Log.Lines.Count);
        Assert.EndsWith("takes none. Raise MeshTracing:Export:Batch:MaxQueueSize, lower MeshTracing:Sampling:Ratio, or make the collector faster.", exporter.Log.Lines[1], StringComparison.Ordinal);
    }
}
