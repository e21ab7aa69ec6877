using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tracing.Sdk.TestService;

/// <summary>
/// A process that ends spans and then itself, in the way that its argument names. It writes "ended N" after each round of spans and "ready"
/// when it waits for a signal.
/// </summary>
internal static class Endings
{
    private const int Spans = 100;
    private const int RequestsInFlight = 5;
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(3);
    private static readonly ActivitySource Source = new("Endings");
    private static int _ended;

    public static void Run(string ending, string argument)
    {
        switch (ending)
        {
            case "signal":
                MeshTracing.Start();
                EndSpans();
                WaitForSignal();
                break;
            case "signal in a container":
                new ServiceCollection().AddMeshTracing().BuildServiceProvider().GetRequiredService<MeshTracing>();
                EndSpans();
                WaitForSignal();
                break;
            case "signal, cancelled by a handler that was there before":
                CancelAndGoOn(argument, startFirst: false);
                break;
            case "signal, cancelled by a handler that came later":
                CancelAndGoOn(argument, startFirst: true);
                break;
            case "signal, cancelled by CancelKeyPress":
                CancelKeyPress();
                break;
            case "signal and dispose at once":
                SignalAndDispose();
                break;
            case "exit":
                MeshTracing.Start();
                EndSpans();
                Environment.Exit(3);
                break;
            case "exception":
                MeshTracing.Start();
                EndSpans();
                throw new InvalidOperationException("The end.");
            case "exception in a thread":
                MeshTracing.Start();
                EndSpans();
                Throw();
                break;
            case "return":
                MeshTracing.Start();
                EndSpans();
                break;
            case "dispose twice":
                var tracing = MeshTracing.Start();
                EndSpans();
                tracing.Dispose();
                tracing.Dispose();
                break;
            case "worker":
                RunWorker(TimeSpan.FromSeconds(30), TimeSpan.Zero);
                break;
            case "worker that drains":
                RunWorker(Milliseconds(argument), Drain);
                break;
            case "web that drains":
                RunWeb(Milliseconds(argument));
                break;
            case "host that does not start":
                RunHost(_ => throw new InvalidOperationException("The end."));
                break;
            case "host that does not start and is not disposed":
                BuildHost(_ => throw new InvalidOperationException("The end.")).Start();
                break;
            case "host and exit":
                RunHost(_ => Environment.Exit(3));
                break;
            case "host and exception in a thread":
                RunHost(_ => Throw());
                break;
            case "host that is not disposed":
                BuildHost(_ => { }).Start();
                break;
            case "host and hangup":
                RunUntilSignal(BuildHost(_ => { }));
                break;
            case "container whose logging is disposed first":
                DisposeLoggingFirst();
                break;
            case "host beside Start":
                HostBesideStart(startFirst: true);
                break;
            case "host before Start":
                HostBesideStart(startFirst: false);
                break;
            default:
                throw new ArgumentException(ending);
        }
    }

    private static TimeSpan Milliseconds(string argument) => TimeSpan.FromMilliseconds(int.Parse(argument, System.Globalization.CultureInfo.InvariantCulture));

    private static void EndSpans()
    {
        for (var i = 0; i < Spans; i++) Source.StartActivity("work")!.Dispose();
        _ended += Spans;
        Console.WriteLine($"ended {_ended}");
    }

    private static void WaitForSignal()
    {
        Console.WriteLine("ready");
        Thread.Sleep(Timeout.Infinite);
    }

    private static void Throw()
    {
        var thread = new Thread(() => throw new InvalidOperationException("The end."));
        thread.Start();
        thread.Join();
    }

    private static void CancelAndGoOn(string signal, bool startFirst)
    {
        using var cancelled = new ManualResetEventSlim();
        var tracing = startFirst ? MeshTracing.Start() : null;
        using var handler = PosixSignalRegistration.Create(Enum.Parse<PosixSignal>(signal), context =>
        {
            context.Cancel = true;
            cancelled.Set();
        });
        tracing ??= MeshTracing.Start();
        GoOnAfter(cancelled);
        tracing.Dispose();
    }

    private static void CancelKeyPress()
    {
        using var cancelled = new ManualResetEventSlim();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            cancelled.Set();
        };
        using var tracing = MeshTracing.Start();
        GoOnAfter(cancelled);
    }

    private static void GoOnAfter(ManualResetEventSlim cancelled)
    {
        EndSpans();
        Console.WriteLine("ready");
        cancelled.Wait();
        EndSpans();
    }

    private static void SignalAndDispose()
    {
        using var signalled = new ManualResetEventSlim();
        using var tracing = MeshTracing.Start();
        using var handler = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => signalled.Set());
        EndSpans();
        Console.WriteLine("ready");
        signalled.Wait();
        tracing.Dispose();
        // The signal ends the process.
        Thread.Sleep(Timeout.Infinite);
    }

    private static void DisposeLoggingFirst()
    {
        var loggers = LoggerFactory.Create(logging => logging.Services.AddSingleton<ILoggerProvider>(_ => new UntilDisposed()));
        using var services = new ServiceCollection().AddSingleton(loggers).AddMeshTracing().BuildServiceProvider();
        services.GetRequiredService<MeshTracing>();
        EndSpans();
        loggers.Dispose();
    }

    private static IHost BuildHost(Action<IServiceProvider> onStart)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddMeshTracing();
        builder.Services.AddHostedService(services => new Worker(
            () =>
            {
                EndSpans();
                onStart(services);
                return Task.CompletedTask;
            },
            () => Task.CompletedTask));
        return builder.Build();
    }

    private static void RunHost(Action<IServiceProvider> onStart) => BuildHost(onStart).Run();

    private static void RunWorker(TimeSpan timeout, TimeSpan drain)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddMeshTracing();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = timeout);
        builder.Services.AddHostedService(_ => new Worker(
            () =>
            {
                EndSpans();
                return Task.CompletedTask;
            },
            async () =>
            {
                await Task.Delay(drain);
                EndSpans();
            }));
        RunUntilSignal(builder.Build());
    }

    private static void RunWeb(TimeSpan timeout)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddMeshTracing();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = timeout);
        var app = builder.Build();
        using var inFlight = new CountdownEvent(RequestsInFlight);
        app.MapGet("/", async () =>
        {
            inFlight.Signal();
            await Task.Delay(Drain);
        });
        app.Start();
        EndSpans();
        var address = new Uri(app.Urls.Single());
        for (var i = 0; i < RequestsInFlight; i++)
        {
            // Without HttpClient, which would make spans of its own.
            var client = new TcpClient(address.Host, address.Port);
            client.GetStream().Write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
        }

        inFlight.Wait();
        Console.WriteLine("ready");
        app.WaitForShutdown();
        ((IDisposable)app).Dispose();
    }

    private static void HostBesideStart(bool startFirst)
    {
        var tracing = startFirst ? MeshTracing.Start() : null;
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddHostedService(_ => new Worker(
            () => Task.CompletedTask,
            () =>
            {
                EndSpans();
                return Task.CompletedTask;
            }));
        using var host = builder.Build();
        host.Start();
        tracing ??= MeshTracing.Start();
        EndSpans();
        Console.WriteLine("ready");
        host.WaitForShutdown();
        tracing.Dispose();
    }

    private static void RunUntilSignal(IHost host)
    {
        host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.Register(() => Console.WriteLine("ready"));
        host.Run();
    }

    /// <summary>A logger that writes nothing any more once it is disposed, as one with a file does.</summary>
    private sealed class UntilDisposed : ILoggerProvider, ILogger
    {
        private bool _isDisposed;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!_isDisposed) Console.WriteLine(formatter(state, exception));
        }

        public void Dispose() => _isDisposed = true;
    }

    private sealed class Worker(Func<Task> start, Func<Task> stop) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => start();

        public Task StopAsync(CancellationToken cancellationToken) => stop();
    }
}
