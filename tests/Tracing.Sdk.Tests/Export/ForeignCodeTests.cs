using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Export;

/// <summary>Foreign code that runs inside an export and throws. It costs no span, no count and not the process.</summary>
public sealed class ForeignCodeTests
{
    [Fact]
    public void Export_HandlerThrowsBeforeItReads_KeepsTheSpans()
    {
        var isBroken = true;
        using var handler = new StubHandler((_, _) => isBroken ? throw new InvalidOperationException("no handler today") : new HttpResponseMessage(HttpStatusCode.OK));
        using var exporter = Exporter(() => handler).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.Contains("no handler today", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
        isBroken = false;
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_HandlerThrowsAfterItHasRead_IsTriedForTheTimeOfAnExport()
    {
        using var handler = new StubHandler((request, token) =>
        {
            request.Content!.ReadAsStream(token).CopyTo(Stream.Null);
            throw new InvalidOperationException("no answer today");
        });
        using var exporter = new ExporterUnderTest(FaultTests.Unused(), settings => settings with { HandlerFactory = () => handler }).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Timeout);
    }

    [Fact]
    public void Export_FactoryThrowsAtFirst_KeepsTheSpans()
    {
        using var handler = new StubHandler();
        var calls = 0;
        using var exporter = Exporter(() => calls++ == 0 ? throw new InvalidOperationException("no factory today") : handler).Add(2);
        Assert.False(exporter.Flush());
        Assert.Contains("no factory today", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_FactoryReturnsNothing_KeepsTheSpans()
    {
        using var exporter = Exporter(() => null!).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
    }

    [Fact]
    public async Task Export_HandlerThatIsInUse_Delivers()
    {
        using var collector = new ScriptedCollector();
        var handler = new SocketsHttpHandler();
        using var client = new HttpClient(handler);
        using var response = await client.PostAsync(collector.Endpoint, new ByteArrayContent([]));
        using var exporter = new ExporterUnderTest(collector.Endpoint, settings => settings with { HandlerFactory = () => handler }).Add(2);
        Assert.True(exporter.Flush(), string.Join('|', exporter.Log.Lines));
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_HandlerReturnsNothing_KeepsTheSpans()
    {
        using var exporter = Exporter(() => new ReturnsNothing()).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
    }

    [Fact]
    public void Export_ContentOfTheAnswerThrows_IsTaken()
    {
        using var handler = new StubHandler((_, _) => new HttpResponseMessage(HttpStatusCode.OK) { Content = new ThrowingContent() });
        using var exporter = Exporter(() => handler).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Shutdown_HandlerThrowsInDispose_CountsWhatWasDelivered()
    {
        var handler = new ThrowsInDispose();
        using var exporter = Exporter(() => handler).Add(2);
        exporter.Shutdown();
        exporter.AssertCounts(exported: 2);
        // On the export thread, which then ends normally.
        Assert.True(handler.Disposed.Wait(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Shutdown_HandlerBlocksInDispose_EndsAll()
    {
        var handler = new BlocksInDispose();
        var exporter = Exporter(() => handler).Add(2);
        exporter.Shutdown();
        exporter.AssertCounts(exported: 2);
        handler.Release.Set();
    }

    [Fact]
    public void Shutdown_CallbackOfTheHandlerThrows_DoesNotReachTheCaller()
    {
        using var reached = new ManualResetEventSlim();
        using var handler = new StubHandler((request, token) =>
        {
            using var ended = new ManualResetEventSlim();
            using var first = token.Register(() => ended.Set());
            using var second = token.Register(() => throw new InvalidOperationException("no cancelling today"));
            reached.Set();
            Assert.True(ended.Wait(TimeSpan.FromSeconds(30), CancellationToken.None));
            throw new OperationCanceledException(token);
        });
        using var exporter = Exporter(() => handler).Add(2);
        Assert.False(exporter.Flush(TimeSpan.FromMilliseconds(1)));
        Assert.True(reached.Wait(TimeSpan.FromSeconds(30)));
        exporter.Shutdown(TimeSpan.FromMilliseconds(10));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Unreachable);
    }

    // An export is no span, whatever handler it goes through.
    [Fact]
    public async Task Export_ThroughHttpClientHandler_IsNoSpan()
    {
        using var collector = new ScriptedCollector();
        await using var service = await TestService.StartAsync(
            _ => { },
            o =>
            {
                o.Export.Otlp.Protocol = OtlpProtocol.HttpProtobuf;
                o.Export.Otlp.Endpoint = collector.Endpoint;
                o.Export.HttpHandler = () => new HttpClientHandler();
            });
        var tracing = service.Services.GetRequiredService<MeshTracing>();
        using var source = new ActivitySource("Export.HttpClientHandler");
        using (source.StartActivity("one"))
        {
        }

        Assert.True(await tracing.FlushAsync());
        var request = collector.Take();
        Assert.True(await tracing.FlushAsync());
        Assert.DoesNotContain(collector.Requests, later => later.Content.AsSpan().IndexOf("POST"u8) >= 0);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", request.Headers["traceparent"]);
        Assert.DoesNotContain(request.Headers.Keys, key => key.StartsWith("X-", StringComparison.OrdinalIgnoreCase) || key is "tracestate" or "baggage");
    }

    [Fact]
    public async Task Export_LoggerThrows_LosesNothing()
    {
        var collector = new ScriptedCollector();
        using var provider = new ThrowingProvider();
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(provider))
            .AddMeshTracing(o =>
            {
                o.Export.Otlp.Endpoint = collector.Endpoint;
                o.Export.Batch.Interval = TimeSpan.FromHours(1);
            })
            .BuildServiceProvider();
        var tracing = services.GetRequiredService<MeshTracing>();
        collector.Dispose();
        MakeSpan();
        Assert.False(await tracing.FlushAsync());
        using var second = new ScriptedCollector(collector.Port);
        Assert.True(await tracing.FlushAsync());
        await tracing.DisposeAsync();
        Assert.True(provider.Calls > 2);
        Assert.Contains(second.Requests, request => request.Content.AsSpan().IndexOf("made here"u8) >= 0);
    }

    private static ExporterUnderTest Exporter(Func<HttpMessageHandler> factory) =>
        new(FaultTests.Unused(), settings => settings with { HandlerFactory = factory }, isHeld: true);

    private static void MakeSpan()
    {
        using var source = new ActivitySource("Export.ForeignCode");
        source.StartActivity("made here")?.Stop();
    }

    private sealed class ReturnsNothing : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult<HttpResponseMessage>(null!);
    }

    private sealed class ThrowsInDispose : HttpMessageHandler
    {
        public ManualResetEventSlim Disposed { get; } = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            Disposed.Set();
            throw new InvalidOperationException("no disposal today");
        }
    }

    private sealed class BlocksInDispose : HttpMessageHandler
    {
        public ManualResetEventSlim Release { get; } = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));

        protected override void Dispose(bool disposing)
        {
            Release.Wait();
            base.Dispose(disposing);
        }
    }

    private sealed class ThrowingContent : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new InvalidOperationException("no content today");

        protected override bool TryComputeLength(out long length) => throw new InvalidOperationException("no length today");
    }

    private sealed class ThrowingProvider : ILoggerProvider, ILogger
    {
        private int _calls;

        public int Calls => _calls;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _calls);
            throw new InvalidOperationException("no logging today");
        }

        public void Dispose()
        {
        }
    }
}
