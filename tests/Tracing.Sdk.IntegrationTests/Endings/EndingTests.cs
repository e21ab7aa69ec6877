namespace Tracing.Sdk.IntegrationTests.Endings;

/// <summary>However a process ends, and whatever its collector does meanwhile, the last line tells what became of every span.</summary>
public sealed class EndingTests(EndingFixture fixture) : IClassFixture<EndingFixture>
{
    private const int Everything = 100;

    public static TheoryData<int, string, CollectorState> All()
    {
        var all = new TheoryData<int, string, CollectorState>();
        for (var i = 0; i < EndingFixture.Endings.Count; i++)
        {
            foreach (var collector in Enum.GetValues<CollectorState>()) all.Add(i, EndingFixture.Endings[i].ToString(), collector);
        }

        return all;
    }

    [SkippableTheory]
    [MemberData(nameof(All))]
    public async Task Process_Ends_EverySpanIsExportedOrCounted(int index, string name, CollectorState collector)
    {
        Skip.If(OperatingSystem.IsWindows(), "There are no signals to send.");
        var ending = EndingFixture.Endings[index];
        Assert.Equal(name, ending.ToString());
        var process = await fixture.ProcessAsync(ending, collector);
        var spans = fixture.Spans(ending, collector);
        try
        {
            Assert.Equal(ending.ExitCode, process.ExitCode);
            Assert.InRange(process.Ended, Everything, long.MaxValue);
            var line = Assert.IsType<LastLine>(process.LastLine);
            Assert.Equal(process.Ended + ending.InFlight, line.Started);
            Assert.Equal(line.Started, line.Exported + line.Dropped + line.NotEnded);
            Assert.InRange(line.NotEnded, 0, ending.InFlight);
            Assert.Equal(spans.Count, spans.DistinctBy(span => span.Id).Count());
            Assert.Equal(line.Exported, spans.Count);
            // A request that ends while tracing stops may come too late, and is counted.
            if (collector is CollectorState.Healthy or CollectorState.Slow) Assert.InRange(line.Dropped, 0, ending.InFlight);
        }
        catch (Xunit.Sdk.XunitException e)
        {
            throw new Xunit.Sdk.XunitException($"{e.Message}\nOutput of the process:\n{process.Output}", e);
        }
    }
}
