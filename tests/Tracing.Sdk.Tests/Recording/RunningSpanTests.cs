using System.Diagnostics;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>The last line names spans that never end.</summary>
[Collection(Alone.Name)]
public sealed class RunningSpanTests
{
    private static readonly ActivitySource Orders = new("Orders.RunningSpanTests");

    [Fact]
    public void Stop_OneSpanRuns_IsNamedWithItsSource()
    {
        using var process = new TracedProcess();
        using var running = Orders.StartActivity("import")!;
        for (var i = 0; i < 1000; i++) Orders.StartActivity("work")!.Dispose();
        process.Stop();

        Assert.Equal("1001 spans started, 1000 exported, 0 dropped, 1 not ended (Orders.RunningSpanTests \"import\")", process.LastLine);
    }

    [Fact]
    public async Task Stop_CallUnderWay_IsNamed()
    {
        var (arrived, release) = (new TaskCompletionSource(), new ManualResetEventSlim());
        await using var server = new WireServer((_, _) =>
        {
            arrived.SetResult();
            release.Wait();
            return "200 OK";
        });
        using var process = new TracedProcess();
        using var client = new HttpClient();
        var call = client.PostAsync(server.Address, null);
        await arrived.Task;
        process.Stop();
        release.Set();
        (await call).Dispose();

        Assert.Equal("1 spans started, 0 exported, 0 dropped, 1 not ended (System.Net.Http \"POST\")", process.LastLine);
    }

    [Fact]
    public void Stop_ManySpansRun_NamesThreeKinds()
    {
        using var process = new TracedProcess();
        for (var i = 0; i < 8; i++)
        {
            Activity.Current = null;
            Orders.StartActivity($"job {i / 2}");
        }

        Activity.Current = null;
        process.Stop();
        Assert.EndsWith(
            ", 8 not ended (Orders.RunningSpanTests \"job 0\", Orders.RunningSpanTests \"job 1\", Orders.RunningSpanTests \"job 2\", ...)", process.LastLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Stop_SpansOfThreadsThatEnded_AreNamed()
    {
        using var process = new TracedProcess();
        for (var i = 0; i < 100; i++)
        {
            var name = i == 0 ? "lost" : "work";
            var thread = new Thread(() =>
            {
                var span = Orders.StartActivity(name)!;
                if (name == "work") span.Dispose();
            });
            thread.Start();
            thread.Join();
        }

        process.Stop();
        Assert.EndsWith(", 1 not ended (Orders.RunningSpanTests \"lost\")", process.LastLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Stop_NameOfARunningSpan_IsOneShortLine()
    {
        using var process = new TracedProcess();
        using var running = Orders.StartActivity($"a\r\nb{new string('c', 100)}")!;
        process.Stop();

        Assert.EndsWith($" (Orders.RunningSpanTests \"a b{new string('c', 61)}...\")", process.LastLine, StringComparison.Ordinal);
    }
}
