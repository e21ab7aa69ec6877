using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.Messages;

namespace Tracing.Sdk.CompatibilityTests.Messages;

/// <summary>A channel between requests and a loop in the same process.</summary>
[WorksWith(
    "Channels, BackgroundService", "the handling of what is read, in the trace of its writer or with a link to it", SetUp = "[two lines](messages.md#a-channel-in-the-process)",
    Name = "channels of a BackgroundService", IsPlatform = true)]
public sealed class ChannelTests
{
    [Fact]
    public async Task WriteInRequests_ReadByAHostedService_EachIsInTheTraceOfItsRequest()
    {
        var channel = Channel.CreateUnbounded<Work>();
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.MapGet("/enqueue", (string order) => WriteAsync(channel, order));
                app.MapGet("/stock", () => 1);
            },
            builder => builder.Services.AddSingleton(channel).AddHostedService<Worker>());
        await app.GetAsync("/enqueue?order=1");
        await app.GetAsync("/enqueue?order=2", TracedApp.NotSampled);
        await app.GetAsync($"/enqueue?order={app.Address}stock");
        await app.GetAsync("/enqueue?order=3", "x-none: 1");
        channel.Writer.Complete();
        await app.Services.GetServices<IHostedService>().OfType<Worker>().Single().ExecuteTask!.WithinAMinuteAsync("The worker does not end");

        Assert.Equal(
            """
            SERVER GET /enqueue
              CONSUMER process work
            SERVER GET /enqueue
              CONSUMER process work
                CLIENT GET
                  SERVER GET /stock
            root
              SERVER GET /enqueue
                CONSUMER process work
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    // The loop belongs to the first request for ever; its messages do not.
    [Fact]
    public async Task LoopStartedByARequest_MessagesOfOthers_AreNotInItsTrace()
    {
        var channel = Channel.CreateUnbounded<Work>();
        Task? loop = null;
        await using var app = await TracedApp.StartAsync(app => app.MapGet("/enqueue", async (string order) =>
        {
            await WriteAsync(channel, order);
            loop ??= Task.Run(() => Worker.RunAsync(channel, CancellationToken.None));
        }));
        await app.GetAsync("/enqueue?order=1");
        await app.GetAsync("/enqueue?order=2", TracedApp.NotSampled);
        await channel.Writer.WriteAsync(new Work("3", []));
        channel.Writer.Complete();
        await loop!.WithinAMinuteAsync("The loop does not end");

        Assert.Equal(
            """
            SERVER GET /enqueue
              CONSUMER process work
            root
              CONSUMER process work
            """,
            TraceOutline.Of(await app.StopAsync()));
    }

    private static ValueTask WriteAsync(Channel<Work> channel, string order)
    {
        var work = new Work(order, []);
        MessageTracing.Inject(work.Headers);
        return channel.Writer.WriteAsync(work);
    }

    private sealed record Work(string Order, Dictionary<string, string> Headers);

    private sealed class Worker(Channel<Work> channel) : BackgroundService
    {
        private static readonly ActivitySource Source = new("Shop.Worker");

        public static async Task RunAsync(Channel<Work> channel, CancellationToken stoppingToken)
        {
            using var client = new HttpClient();
            await foreach (var work in channel.Reader.ReadAllAsync(stoppingToken))
            {
                using var message = MessageTracing.Receive(Source, "process work", work.Headers);
                if (Uri.TryCreate(work.Order, UriKind.Absolute, out var address)) await client.GetStringAsync(address, stoppingToken);
            }
        }

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(channel, stoppingToken);
    }
}
