using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>The polls of libraries begin no traces, and their work does.</summary>
[Collection(Alone.Name)]
public sealed class BackgroundPollTests
{
    private const string Poll = "Quartz.JobStore.AcquireNextTriggers";

    private static readonly ActivitySource Quartz = new("Quartz");

    [Theory]
    [InlineData("Quartz", Poll, true)]
    [InlineData("Quartz", "Quartz.JobStore.TriggersFired", true)]
    [InlineData("Quartz", "Quartz.JobStore.TriggeredJobComplete", true)]
    [InlineData("Quartz", "Quartz.JobStore.ReleaseAcquiredTrigger", true)]
    [InlineData("Quartz", "Quartz.JobStore.ScheduleJob", false)]
    [InlineData("Quartz", "Quartz.Job.Execute", false)]
    [InlineData("Shop", Poll, false)]
    [InlineData("RabbitMQ.Client.Subscriber", "fetch (empty)", true)]
    [InlineData("RabbitMQ.Client.Subscriber", "fetch (empty) orders", true)]
    [InlineData("RabbitMQ.Client.Subscriber", "fetch orders", false)]
    [InlineData("RabbitMQ.Client.Publisher", "fetch (empty)", false)]
    [InlineData("Microsoft.Orleans.Runtime", "IMembershipTable/ReadAllAsync", true)]
    [InlineData("Microsoft.Orleans.Runtime", "IMembershipService/Ping", true)]
    [InlineData("Microsoft.Orleans.Runtime", "IMembershipTable", false)]
    [InlineData("Microsoft.Orleans.Runtime", "IMembershipTables/ReadAllAsync", false)]
    [InlineData("Microsoft.Orleans.Runtime", "IGrainTimerInvoker/InvokeCallbackAsync", false)]
    [InlineData("Microsoft.Orleans.Runtime", "IRemindable/ReceiveReminder", false)]
    [InlineData("Microsoft.Orleans.Application", "IMembershipTable/ReadAllAsync", false)]
    public void Contain_SourceAndName_TellPollsFromWork(string source, string name, bool isPoll) => Assert.Equal(isPoll, BackgroundPolls.Contain(source, name));

    [Fact]
    public void Root_OfAPoll_IsRefusedWithItsSubtreeAndCounted()
    {
        using var process = new TracedProcess();
        using (Quartz.StartActivity(Poll)) Assert.Null(Quartz.StartActivity("child"));

        Decisions.Assert(process.Services, (DecisionReason.BackgroundPoll, false, 1));
        Assert.Empty(process.Stop());
    }

    [Fact]
    public void Root_RootSourcesNamesAnother_PollsStayIgnored()
    {
        using var process = new TracedProcess(o => o.Ignore.RootSources.Add("Npgsql"));
        Quartz.StartActivity(Poll)?.Dispose();

        Assert.Empty(process.Stop());
    }

    [Fact]
    public void Root_RootSourcesNamesItsSource_IsCountedAsThat()
    {
        using var process = new TracedProcess(o => o.Ignore.RootSources.Add("Quartz"));
        Quartz.StartActivity(Poll)?.Dispose();

        Decisions.Assert(process.Services, (DecisionReason.IgnoredSource, false, 1));
    }

    [Fact]
    public void Root_PollsAreRecorded_IsRecorded()
    {
        using var process = new TracedProcess(o => o.Ignore.BackgroundPolls = false);
        Quartz.StartActivity(Poll)?.Dispose();

        Assert.Equal(Poll, Assert.Single(process.Stop()).Name);
    }

    [Fact]
    public async Task Span_OfAPollInARequest_IsRecorded()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => Quartz.StartActivity(Poll)?.Dispose()));
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Contains(service.Sink.Spans, s => s.Name == Poll);
    }

    // A call between silos has two spans, and the second one has a remote parent.
    [Fact]
    public void OtherEnd_OfAPoll_HasTheSameReason()
    {
        using var orleans = new ActivitySource("Microsoft.Orleans.Runtime");
        using var process = new TracedProcess();
        using (var call = orleans.StartActivity("IMembershipTable/ReadAllAsync", ActivityKind.Client)!)
        {
            var received = ActivityContext.Parse(call.Id!, null);
            var remote = new ActivityContext(received.TraceId, received.SpanId, received.TraceFlags, null, isRemote: true);
            Activity.Current = null;
            orleans.StartActivity("IMembershipTable/ReadAllAsync", ActivityKind.Server, remote)?.Dispose();
        }

        Decisions.Assert(process.Services, (DecisionReason.BackgroundPoll, false, 2));
        Assert.Empty(process.Stop());
    }

    // Its rounds are those of the silo and of grains alike.
    [Fact]
    public void Round_OfATimerOfOrleans_HasNoSpanAndItsWorkBeginsATrace()
    {
        using var orleans = new ActivitySource("Microsoft.Orleans.Runtime");
        using var work = new ActivitySource("Shop.Work");
        using var process = new TracedProcess();
        using (orleans.StartActivity("IGrainTimerInvoker/InvokeCallbackAsync", ActivityKind.Server)) work.StartActivity("tick")!.Dispose();

        Decisions.Assert(process.Services, (DecisionReason.Ratio, true, 1));
        var span = Assert.Single(process.Stop());
        Assert.Equal(("tick", null), (span.Name, span.ParentId));
    }

    [Fact]
    public void Round_PollsAreRecorded_IsRecorded()
    {
        using var orleans = new ActivitySource("Microsoft.Orleans.Runtime");
        using var process = new TracedProcess(o => o.Ignore.BackgroundPolls = false);
        orleans.StartActivity("IGrainTimerInvoker/InvokeCallbackAsync", ActivityKind.Server)!.Dispose();

        Assert.Single(process.Stop());
    }

    // A timer that a request has left running polls for ever.
    [Fact]
    public async Task Root_PollWhoseParentEndedLongAgo_IsRefused()
    {
        var mayPoll = new TaskCompletionSource();
        Activity? request = null;
        Task? polling = null;
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () =>
        {
            request = Activity.Current;
            polling = PollAsync();
        }));
        await service.GetAsync("/");
        Assert.True(SpinWait.SpinUntil(() => request!.IsStopped && request.Duration > TimeSpan.Zero, TimeSpan.FromSeconds(30)));
        var end = DateTime.UtcNow - TimeSpan.FromMinutes(2);
        request!.SetStartTime(end.AddSeconds(-1)).SetEndTime(end);
        mayPoll.SetResult();
        await polling!;
        await service.StopAsync();

        Assert.DoesNotContain(service.Sink.Spans, s => s.Name == Poll);

        async Task PollAsync()
        {
            await mayPoll.Task;
            Quartz.StartActivity(Poll)?.Dispose();
        }
    }
}
