using System.Net;
using System.Net.Sockets;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Endings;

public enum CollectorState
{
    /// <summary>Answers at once.</summary>
    Healthy,

    /// <summary>Takes two seconds for each answer.</summary>
    Slow,

    /// <summary>Its port refuses connections.</summary>
    Dead,

    /// <summary>Its port accepts connections and never answers.</summary>
    Silent,
}

/// <summary>One way in which a process ends.</summary>
/// <param name="Name">What the test service calls it.</param>
/// <param name="Argument">What it needs to know besides.</param>
/// <param name="Signal">The signal that it gets when it is ready.</param>
/// <param name="ExitCode">The exit code, as it would be without tracing.</param>
/// <param name="InFlight">Requests that are under way at the end, each with a span that may still end or not.</param>
public sealed record Ending(string Name, string Argument, int? Signal, int ExitCode, int InFlight = 0)
{
    public override string ToString() => string.Join(' ', ((object?[])[Name, Argument, Signal]).Where(part => part is not null and not ""));
}

/// <summary>Runs every ending against every collector, a few processes at a time.</summary>
public sealed class EndingFixture : IAsyncLifetime, IDisposable
{
    private const int Hangup = 1, Interrupt = 2, Quit = 3, Terminate = 15;
    private const int KilledBy = 128, Aborted = 134;

    private readonly SemaphoreSlim _places = new(4 * Environment.ProcessorCount);
    private readonly Dictionary<(Ending, CollectorState), Task<EndedProcess>> _processes = [];
    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);
    // Bound and not listening: nothing else can take the port.
    private readonly Socket _dead = new(SocketType.Stream, ProtocolType.Tcp);
    private TestCollector _healthy = null!;
    private TestCollector _slow = null!;

    public static IReadOnlyList<Ending> Endings { get; } =
    [
        .. ((int[])[Terminate, Interrupt, Hangup, Quit]).Select(signal => new Ending("signal", "", signal, KilledBy + signal)),
        new("signal in a container", "", Terminate, KilledBy + Terminate),
        new("signal, cancelled by a handler that was there before", "SIGTERM", Terminate, 0),
        new("signal, cancelled by a handler that was there before", "SIGHUP", Hangup, 0),
        new("signal, cancelled by a handler that came later", "SIGTERM", Terminate, 0),
        new("signal, cancelled by a handler that came later", "SIGHUP", Hangup, 0),
        new("signal, cancelled by CancelKeyPress", "", Interrupt, 0),
        new("signal and dispose at once", "", Terminate, KilledBy + Terminate),
        new("exit", "", null, 3),
        new("exception", "", null, Aborted),
        new("exception in a thread", "", null, Aborted),
        new("return", "", null, 0),
        new("dispose twice", "", null, 0),
        new("worker", "", Terminate, 0),
        new("worker", "", Interrupt, 0),
        new("worker", "", Quit, 0),
        .. ((string[])["1", "1000", "2000"]).Select(timeout => new Ending("worker that drains", timeout, Terminate, 0)),
        .. ((string[])["1", "1000", "2000"]).Select(timeout => new Ending("web that drains", timeout, Terminate, 0, InFlight: 5)),
        new("host that does not start", "", null, Aborted),
        new("host that does not start and is not disposed", "", null, Aborted),
        new("host and exit", "", null, 3),
        new("host and exception in a thread", "", null, Aborted),
        new("host that is not disposed", "", null, 0),
        new("host and hangup", "", Hangup, KilledBy + Hangup),
        new("container whose logging is disposed first", "", null, 0),
        new("host beside Start", "", Terminate, 0),
        new("host before Start", "", Terminate, 0),
    ];

    public async Task InitializeAsync()
    {
        _healthy = await TestCollector.StartAsync();
        _slow = await TestCollector.StartAsync();
        _slow.ForwardOtlp = _ => Task.Delay(TimeSpan.FromSeconds(2));
        _silent.Start();
        _dead.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        if (OperatingSystem.IsWindows()) return;
        foreach (var ending in Endings)
        {
            foreach (var collector in Enum.GetValues<CollectorState>()) _processes.Add((ending, collector), RunAsync(ending, collector));
        }
    }

    public async Task DisposeAsync()
    {
        await Task.WhenAll(_processes.Values);
        await _healthy.DisposeAsync();
        await _slow.DisposeAsync();
    }

    public void Dispose()
    {
        _silent.Dispose();
        _dead.Dispose();
        _places.Dispose();
    }

    internal Task<EndedProcess> ProcessAsync(Ending ending, CollectorState collector) => _processes[(ending, collector)];

    /// <summary>What a collector has got from the process of an ending.</summary>
    internal IReadOnlyList<CollectedSpan> Spans(Ending ending, CollectorState collector) =>
        [.. _healthy.Spans.Concat(_slow.Spans).Where(span => span.Service == ServiceName(ending, collector))];

    private static string ServiceName(Ending ending, CollectorState collector) => $"{ending}: {collector}";

    private async Task<EndedProcess> RunAsync(Ending ending, CollectorState collector)
    {
        await _places.WaitAsync();
        try
        {
            return await EndedProcess.RunAsync(["end", ending.Name, ending.Argument], ending.Signal, new Dictionary<string, string>
            {
                ["OTEL_SERVICE_NAME"] = ServiceName(ending, collector),
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Address(collector),
                // Nothing is sent before the end.
                ["OTEL_BSP_SCHEDULE_DELAY"] = "600000",
            });
        }
        finally
        {
            _places.Release();
        }
    }

    private string Address(CollectorState collector) => collector switch
    {
        CollectorState.Healthy => _healthy.Address,
        CollectorState.Slow => _slow.Address,
        CollectorState.Dead => $"http://{_dead.LocalEndPoint}",
        _ => $"http://{_silent.LocalEndpoint}",
    };
}
