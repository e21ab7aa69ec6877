using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>A span whose local parent ended long ago begins a trace.</summary>
[Collection(Alone.Name)]
public sealed class EndedParentTests
{
    private static readonly ActivitySource Orders = new("Orders.EndedParentTests");

    [Fact]
    public void Span_ParentEndedLongAgo_BeginsATrace()
    {
        var spans = Run(() => Outlive("parent", TimeSpan.FromSeconds(61), _ => Orders.StartActivity("late")!.Dispose()));

        Assert.Null(spans["late"].ParentId);
        Assert.NotEqual(spans["parent"].TraceId, spans["late"].TraceId);
    }

    [Fact]
    public void Span_ParentEndedLongAgo_HasALinkToItThatSaysWhy()
    {
        var spans = Run(() => Outlive("parent", TimeSpan.FromSeconds(61), _ => Orders.StartActivity("late")!.Dispose()));

        var link = Assert.Single(spans["late"].Links);
        Assert.Equal($"{spans["parent"].TraceId}-{spans["parent"].SpanId}", link.Name);
        Assert.Equal(("reason", (object)"ended_parent"), Assert.Single(link.Tags.Select(t => (t.Key, t.Value))));
    }

    [Fact]
    public void Span_ParentEndedWithinTheTimeout_IsItsChild()
    {
        var spans = Run(() => Outlive("parent", TimeSpan.FromSeconds(30), _ => Orders.StartActivity("soon")!.Dispose()));

        Assert.Equal(spans["parent"].SpanId, spans["soon"].ParentId);
        Assert.Empty(spans["soon"].Links);
    }

    [Fact]
    public void Span_ParentRunsForADay_IsItsChild()
    {
        var spans = Run(() =>
        {
            using var parent = Orders.StartActivity("parent")!;
            parent.SetStartTime(DateTime.UtcNow.AddDays(-1));
            Orders.StartActivity("work")!.Dispose();
        });

        Assert.Equal(spans["parent"].SpanId, spans["work"].ParentId);
    }

    [Fact]
    public void Span_ParentEndedLongAgoInsideARunningSpan_IsItsChild()
    {
        var spans = Run(() =>
        {
            using var outer = Orders.StartActivity("outer")!;
            Outlive("parent", TimeSpan.FromHours(1), _ => Orders.StartActivity("work")!.Dispose());
        });

        Assert.Equal(spans["parent"].SpanId, spans["work"].ParentId);
    }

    // A timer whose every tick starts the next timer.
    [Fact]
    public void Span_ParentHasJustEndedAtTheEndOfALongChain_BeginsATrace()
    {
        var spans = Run(() =>
        {
            Outlive("first", TimeSpan.FromSeconds(10), first => Outlive("second", TimeSpan.Zero, _ =>
            {
                EndAgo(first, TimeSpan.FromSeconds(61));
                Orders.StartActivity("third")!.Dispose();
            }));
        });

        Assert.Equal(spans["first"].SpanId, spans["second"].ParentId);
        Assert.Null(spans["third"].ParentId);
        Assert.Equal($"{spans["second"].TraceId}-{spans["second"].SpanId}", Assert.Single(spans["third"].Links).Name);
    }

    [Fact]
    public void Span_TimeoutIsZero_IsAChildForEver()
    {
        var spans = Run(
            () => Outlive("parent", TimeSpan.FromDays(1), _ => Orders.StartActivity("late")!.Dispose()),
            o => o.Sampling.EndedParentTimeout = TimeSpan.Zero);

        Assert.Equal(spans["parent"].SpanId, spans["late"].ParentId);
    }

    [Fact]
    public void Span_TimeoutIsRaised_IsAChildUntilThen()
    {
        var spans = Run(
            () =>
            {
                Outlive("parent", TimeSpan.FromMinutes(9), _ => Orders.StartActivity("soon")!.Dispose());
                Outlive("other parent", TimeSpan.FromMinutes(11), _ => Orders.StartActivity("late")!.Dispose());
            },
            o => o.Sampling.EndedParentTimeout = TimeSpan.FromMinutes(10));

        Assert.Equal(spans["parent"].SpanId, spans["soon"].ParentId);
        Assert.Null(spans["late"].ParentId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Span_ExplicitParentEndedLongAgo_IsItsChild(bool isAlsoCurrent)
    {
        var spans = Run(() =>
        {
            Outlive("parent", TimeSpan.FromHours(1), parent =>
            {
                if (!isAlsoCurrent) Activity.Current = null;
                Orders.StartActivity("continued", ActivityKind.Internal, parent.Context)!.Dispose();
            });
        });

        Assert.Equal((spans["parent"].SpanId, spans["parent"].TraceId), (spans["continued"].ParentId, spans["continued"].TraceId));
        Assert.Empty(spans["continued"].Links);
    }

    [Fact]
    public void Span_InsideOneThatBeganATrace_IsItsChild()
    {
        var spans = Run(() =>
        {
            Outlive("parent", TimeSpan.FromHours(1), _ =>
            {
                using var late = Orders.StartActivity("late");
                Orders.StartActivity("inner")!.Dispose();
            });
        });

        Assert.Equal(spans["late"].SpanId, spans["inner"].ParentId);
    }

    [Fact]
    public void Span_TraceStateOfTheEndedParent_IsNotItsOwn()
    {
        var spans = Run(() =>
        {
            using var source = Orders.StartActivity("source", ActivityKind.Internal, new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, "vendor=1"));
            Activity.Current = null;
            Outlive("parent", TimeSpan.FromHours(1), _ => Orders.StartActivity("late")!.Dispose(), source!.Context);
        });

        Assert.Equal(("vendor=1", null), (spans["parent"].TraceState, spans["late"].TraceState));
    }

    [Fact]
    public void Span_ParentWasRefused_IsRecordedWithoutALink()
    {
        var spans = Run(() =>
        {
            // Of a caller that has said no.
            var caller = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), default, isRemote: true);
            Outlive("refused", TimeSpan.FromHours(1), _ => Orders.StartActivity("late")!.Dispose(), caller);
        });

        Assert.Equal("late", Assert.Single(spans).Key);
        Assert.Null(spans["late"].ParentId);
        Assert.Empty(spans["late"].Links);
    }

    [Fact]
    public void Span_RatioOfOneHalf_IsDecidedByItsOwnTraceId()
    {
        List<(string TraceId, bool IsRecorded)> begun = [];
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0.5);
        for (var i = 0; i < 200; i++)
        {
            Outlive("parent", TimeSpan.FromHours(1), _ =>
            {
                using var late = Orders.StartActivity("late")!;
                begun.Add((late.TraceId.ToHexString(), late.Recorded));
            });
        }

        var exported = process.Stop().Where(s => s.Name == "late").Select(s => s.TraceId);
        Assert.All(begun, b => Assert.Equal(b.TraceId[18] >= '8', b.IsRecorded));
        Assert.Equal(begun.Where(b => b.IsRecorded).Select(b => b.TraceId).Order(), exported.Order());
        Assert.InRange(begun.Count(b => b.IsRecorded), 50, 150);
    }

    [Fact]
    public void Span_RatioOfZero_IsRefusedAndLeavesTheBalance()
    {
        using var process = new TracedProcess(o => o.Sampling.Ratio = 0);
        var isRecorded = true;
        Outlive("parent", TimeSpan.FromHours(1), _ =>
        {
            using var late = Orders.StartActivity("late")!;
            isRecorded = late.Recorded || late.IsAllDataRequested;
        });
        process.Stop();

        Assert.False(isRecorded);
        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Fact]
    public void Log_SeveralSpansOfASource_SaysItOnce()
    {
        using var process = new TracedProcess();
        for (var i = 0; i < 3; i++)
        {
            Outlive("parent", TimeSpan.FromHours(1), _ => Orders.StartActivity("late")!.Dispose());
        }

        Assert.Equal(
            "Spans of the source Orders.EndedParentTests begin traces of their own, because the span that they were started in ended more than 60 s ago. Each has a link to it. " +
            "MeshTracing:Sampling:EndedParentTimeout can change the time; 0 keeps them in one trace.",
            Assert.Single(process.Log.OfTracing, l => l.StartsWith("Spans of the source", StringComparison.Ordinal)));
    }

    [Fact]
    public void Log_NoParentEndedLongAgo_IsSilent()
    {
        using var process = new TracedProcess();
        using (Orders.StartActivity("parent")) Orders.StartActivity("work")!.Dispose();

        Assert.DoesNotContain(process.Log.OfTracing, l => l.StartsWith("Spans of the source", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Task.Run")]
    [InlineData("Thread")]
    [InlineData("Timer")]
    [InlineData("PeriodicTimer")]
    [InlineData("Channel")]
    [InlineData("BackgroundService")]
    public async Task Span_OfWorkThatOutlivesItsStart_BeginsATrace(string kind)
    {
        using var process = new TracedProcess();
        await using var work = new Work(kind);
        using (var parent = Orders.StartActivity("start-up")!)
        {
            await work.StartAsync();
            await work.TickAsync("first");
            EndAgo(parent, TimeSpan.FromHours(1));
        }

        await work.TickAsync("second");
        await work.TickAsync("third");
        var spans = process.Stop().ToDictionary(s => s.Name);

        Assert.Equal(spans["start-up"].SpanId, spans["first"].ParentId);
        Assert.Equal((null, null), (spans["second"].ParentId, spans["third"].ParentId));
        Assert.Equal(3, spans.Values.Select(s => s.TraceId).Distinct().Count());
    }

    private static Dictionary<string, Span> Run(Action run, Action<MeshTracingOptions>? options = null)
    {
        using var process = new TracedProcess(options);
        run();
        Activity.Current = null;
        return process.Stop().ToDictionary(s => s.Name);
    }

    // Runs code that was started inside a span after the end of the span, which is still the current one there.
    private static void Outlive(string name, TimeSpan ago, Action<Activity> run, ActivityContext parent = default)
    {
        var activity = Orders.StartActivity(name, ActivityKind.Internal, parent)!;
        var flow = ExecutionContext.Capture()!;
        EndAgo(activity, ago);
        activity.Stop();
        ExecutionContext.Run(flow, _ => run(activity), null);
    }

    private static void EndAgo(Activity activity, TimeSpan time)
    {
        var end = DateTime.UtcNow - time;
        activity.SetStartTime(end.AddSeconds(-1)).SetEndTime(end);
    }

    /// <summary>A loop that makes one span for each tick.</summary>
    private sealed class Work(string kind) : IAsyncDisposable
    {
        private readonly Channel<string> _ticks = Channel.CreateUnbounded<string>();
        private readonly SemaphoreSlim _done = new(0);
        private readonly FakeTimeProvider _time = new();
        private IDisposable? _timer;
        private Task _loop = Task.CompletedTask;

        public async Task StartAsync()
        {
            switch (kind)
            {
                case "Task.Run" or "Channel":
                    _loop = Task.Run(LoopAsync);
                    break;
                case "Thread":
                    var thread = new Thread(() =>
                    {
                        while (_ticks.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult()) Tick();
                    });
                    thread.Start();
                    break;
                case "Timer":
                    _timer = new Timer(_ => Tick());
                    break;
                case "PeriodicTimer":
                    var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _time);
                    _timer = timer;
                    _loop = LoopAsync(timer);
                    break;
                case "BackgroundService":
                    var service = new Background(LoopAsync);
                    _timer = service;
                    await service.StartAsync(CancellationToken.None);
                    break;
            }
        }

        // The caller's flow must not be the one in which the work runs.
        public async Task TickAsync(string name)
        {
            await _ticks.Writer.WriteAsync(name);
            if (_timer is Timer timer) timer.Change(0, Timeout.Infinite);
            _time.Advance(TimeSpan.FromSeconds(1));
            await _done.WaitAsync();
        }

        public async ValueTask DisposeAsync()
        {
            _ticks.Writer.Complete();
            _timer?.Dispose();
            await _loop;
            _done.Dispose();
        }

        private async Task LoopAsync()
        {
            while (await _ticks.Reader.WaitToReadAsync()) Tick();
        }

        private async Task LoopAsync(PeriodicTimer timer)
        {
            while (await timer.WaitForNextTickAsync()) Tick();
        }

        private void Tick()
        {
            if (_ticks.Reader.TryRead(out var name)) Orders.StartActivity(name)!.Dispose();
            _done.Release();
        }

        private sealed class Background(Func<Task> run) : BackgroundService
        {
            protected override Task ExecuteAsync(CancellationToken stoppingToken) => run();
        }
    }
}
