using Tracing.Sdk.Recording;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export.Zipkin;

/// <summary>Answers of Zipkin servers, and of other products' receivers, which answer 500 to all that they cannot accept now.</summary>
public sealed class ZipkinTests
{
    [Fact]
    public void Export_500ForLong_KeepsTheSpans()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(202) };
        collector.Then([.. Enumerable.Repeat(Reply(500, "\"Internal Server Error\""), 40)]);
        using var exporter = Zipkin(collector).Add(3);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 3);
        Assert.Equal(2, exporter.Log.Lines.Count);
        Assert.Contains("The spans are kept and tried again.", exporter.Log.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith("no span was lost.", exporter.Log.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Export_500ForOneBatchOnly_GivesItUp()
    {
        using var collector = RefusingPoison();
        using var exporter = Zipkin(collector);
        exporter.Add(Encoding.TestSpan.With("k", "poison")).Add(5);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(exported: 4, dropped: 2, reason: DropReason.Rejected);
        Assert.EndsWith("; 2 spans were lost.", exporter.Log.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Export_500ForOneBatchAlone_KeepsItUntilAnotherPasses()
    {
        using var collector = RefusingPoison();
        using var exporter = Zipkin(collector);
        exporter.Add(Encoding.TestSpan.With("k", "poison")).Add(1);
        for (var i = 0; i < 6; i++) collector.Take();
        exporter.AssertCounts(inFlight: 2);
        Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(exported: 2, dropped: 2, reason: DropReason.Rejected);
    }

    [Fact]
    public void Export_500ForEverything_KeepsBothBatches()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(202) };
        collector.Then([.. Enumerable.Repeat(Reply(500), 20)]);
        using var exporter = Zipkin(collector).Add(8);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 8);
    }

    [Fact]
    public void Shutdown_500ForOneBatchOnly_SendsTheOthers()
    {
        using var collector = RefusingPoison();
        using var exporter = Zipkin(collector);
        exporter.Add(Encoding.TestSpan.With("k", "poison")).Add(5);
        exporter.Shutdown(TimeSpan.FromSeconds(30));
        Assert.Equal((4, 2), (exporter.Metrics.Exported, exporter.Metrics.TotalDropped));
    }

    [Fact]
    public void Export_503_IsNoReasonToGiveABatchUp()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(202) };
        collector.Then([.. Enumerable.Repeat(Reply(503), 20)]);
        using var exporter = Zipkin(collector).Add(8);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 8);
        var first = collector.Requests.First().Body;
        Assert.All(collector.Requests.Take(20), request => Assert.Equal(first, request.Body));
    }

    private static ExporterUnderTest Zipkin(ScriptedCollector collector) => new(
        new Uri(collector.Endpoint, "/api/v2/spans"), settings => ExporterUnderTest.AsZipkin(settings) with { MaxBatchSpans = 2 });

    // A server that refuses one of the spans, and each batch that holds it.
    private static ScriptedCollector RefusingPoison()
    {
        var collector = new ScriptedCollector();
        collector.OnRequest = request =>
            collector.Otherwise = Reply(request.Body.AsSpan().IndexOf("poison"u8) >= 0 ? 500 : 202);
        return collector;
    }
}
