using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Lifetime;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Lifetime;

/// <summary>The stop of a tracing, and the threads that wait for it. The integration tests end real processes.</summary>
[Collection(Alone.Name)]
public sealed class ShutdownTests
{
    private static readonly ActivitySource Source = new("Orders");

    [Fact]
    public async Task Dispose_WhileAStopIsUnderWay_WaitsForIt()
    {
        using var handler = new HeldHandler();
        var tracing = Start(o => o.Export.HttpHandler = () => handler);
        Source.StartActivity("work")!.Dispose();
        var first = tracing.DisposeAsync();
        handler.Entered.Wait();
        var second = Task.Factory.StartNew(
            () =>
            {
                tracing.Dispose();
                return handler.IsAnswered;
            },
            TaskCreationOptions.LongRunning);
        Assert.False(first.IsCompleted);
        handler.Release();

        Assert.True(await second);
        await first;
    }

    [Fact]
    public async Task Host_TimeForTheStopIsUp_ContainerWaitsForTheSameStop()
    {
        using var handler = new HeldHandler();
        var log = new LogCollector();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(log);
        builder.Services.AddMeshTracing(o => o.Export.HttpHandler = () => handler);
        var host = builder.Build();
        await host.StartAsync();
        Source.StartActivity("work")!.Dispose();
        using var noTime = new CancellationTokenSource();
        await noTime.CancelAsync();
        await host.StopAsync(noTime.Token);
        Assert.DoesNotContain(log.OfTracing, l => l.StartsWith("Tracing stopped", StringComparison.Ordinal));
        handler.Release();
        host.Dispose();

        Assert.Single(log.OfTracing, "Tracing stopped: 1 spans started, 1 exported, 0 dropped");
    }

    [Fact]
    public async Task Host_StartHasFailed_StopsWithoutAnother()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddMeshTracing(o => o.Sampling.Ratio = 2);
        using var host = builder.Build();
        await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());

        Assert.Null(await Record.ExceptionAsync(() => host.StopAsync()));
    }

    [Fact]
    public void Dispose_CalledByTheLoggerOfTheLastLine_DoesNotWaitForItself()
    {
        MeshTracing? tracing = null;
        var hasReturned = false;
        using var services = BuildContainer(_ =>
        {
            tracing!.Dispose();
            hasReturned = true;
        });
        tracing = services.GetRequiredService<MeshTracing>();
        tracing.Dispose();

        Assert.True(hasReturned);
    }

    [Fact]
    public void Dispose_LoggerOfTheLastLineThrows_EndsAndThrowsNothing()
    {
        using var services = BuildContainer(_ => throw new InvalidOperationException("The disk is full."));
        var tracing = services.GetRequiredService<MeshTracing>();

        tracing.Dispose();
    }

    [Fact]
    public void Dispose_MeterListenerThrows_EndsAndThrowsNothing()
    {
        var isGone = true;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Tracing.Sdk") listener.EnableMeasurementEvents(instrument);
            },
            MeasurementsCompleted = (_, _) =>
            {
                if (isGone) throw new InvalidOperationException("The dashboard is gone.");
            },
        };
        listener.Start();
        var tracing = Start(_ => { });

        tracing.Dispose();
        isGone = false;
    }

    [Fact]
    public void Start_WithoutHost_LastLineGoesToStandardError()
    {
        var text = StandardErrorOf(() =>
        {
            using var tracing = Start(_ => { });
            Source.StartActivity("work")!.Dispose();
        });

        Assert.Equal("Tracing.Sdk: Tracing stopped: 1 spans started, 1 exported, 0 dropped\n", text);
    }

    [Fact]
    public void Add_ContainerWithoutLogging_LastLineGoesToStandardError()
    {
        var text = StandardErrorOf(() =>
        {
            using var services = new ServiceCollection().AddMeshTracing(o => TestService.ExportTo(new SpanSink(), o)).BuildServiceProvider();
            services.GetRequiredService<MeshTracing>();
        });

        Assert.Equal("Tracing.Sdk: Tracing stopped: 0 spans started, 0 exported, 0 dropped\n", text);
    }

    [Theory]
    [InlineData(true, "Tracing.Sdk: Tracing stopped: 0 spans started, 0 exported, 0 dropped\n")]
    [InlineData(false, "")]
    public void LastLine_StopHasNotComeToIt_IsWrittenAtTheEndOfTheProcess(bool isProcessEnding, string expected)
    {
        using var metrics = new SpanMetrics();
        metrics.AddExporter("otlp_http_span_exporter");
        Assert.Equal(expected, StandardErrorOf(() => new LastLine(NullLogger.Instance, metrics, isLoggerDisposed: null).WriteLate(isProcessEnding)));
    }

    [Fact]
    public void StandardError_ThatThrows_BreaksNothing()
    {
        var before = Console.Error;
        Console.SetError(new ClosedWriter());
        try
        {
            Start(_ => { }).Dispose();
        }
        finally
        {
            Console.SetError(before);
        }
    }

    [Fact]
    public async Task FlushAsync_SpanHasEnded_IsSent()
    {
        var sink = new SpanSink();
        using var tracing = Start(o => o.Export.HttpHandler = () => sink);
        Source.StartActivity("work")!.Dispose();

        Assert.True(await tracing.FlushAsync());
        Assert.Single(sink.Spans);
    }

    [Fact]
    public async Task FlushAsync_CollectorTakesLongerThanTheTimeout_ReturnsFalse()
    {
        using var handler = new HeldHandler();
        var tracing = Start(o => o.Export.HttpHandler = () => handler);
        Source.StartActivity("work")!.Dispose();

        Assert.False(await tracing.FlushAsync(TimeSpan.FromMilliseconds(1)));
        handler.Release();
        tracing.Dispose();
        Assert.True(handler.IsAnswered);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1L + int.MaxValue)]
    public async Task FlushAsync_TimeoutOutOfRange_Throws(long milliseconds)
    {
        using var tracing = Start(_ => { });

        var error = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => tracing.FlushAsync(TimeSpan.FromMilliseconds(milliseconds)));
        Assert.Equal("timeout", error.ParamName);
    }

    private static MeshTracing Start(Action<MeshTracingOptions> configure) => MeshTracing.Start(o =>
    {
        TestService.ExportTo(new SpanSink(), o);
        configure(o);
    });

    private static ServiceProvider BuildContainer(Action<string> onLastLine) => new ServiceCollection()
        .AddLogging(logging => logging.AddProvider(new CallingLogger(onLastLine)))
        .AddMeshTracing(o => TestService.ExportTo(new SpanSink(), o))
        .BuildServiceProvider();

    private static string StandardErrorOf(Action run)
    {
        var before = Console.Error;
        using var writer = new StringWriter { NewLine = "\n" };
        Console.SetError(writer);
        try
        {
            run();
        }
        finally
        {
            Console.SetError(before);
        }

        return writer.ToString();
    }

    /// <summary>Calls the test when the last line is logged.</summary>
    private sealed class CallingLogger(Action<string> onLastLine) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = formatter(state, exception);
            if (line.StartsWith("Tracing stopped", StringComparison.Ordinal)) onLastLine(line);
        }

        public void Dispose()
        {
        }
    }

    private sealed class ClosedWriter : StringWriter
    {
        public override void WriteLine(string? value) => throw new IOException("Broken pipe.");
    }

    /// <summary>Answers when the test says so.</summary>
    private sealed class HeldHandler : HttpMessageHandler
    {
        private readonly ManualResetEventSlim _released = new();

        public ManualResetEventSlim Entered { get; } = new();

        public bool IsAnswered { get; private set; }

        public void Release() => _released.Set();

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Entered.Set();
            _released.Wait(CancellationToken.None);
            IsAnswered = true;
            return new HttpResponseMessage { RequestMessage = request };
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.Run(() => Send(request, cancellationToken), CancellationToken.None);
    }
}
