using System.Runtime.InteropServices;

namespace Tracing.Sdk;

/// <summary>Stops a tracing when its process ends, and flushes it when a signal is about to end the process.</summary>
/// <remarks>
/// .NET 10 raises no ProcessExit for a signal: the default action of the operating system ends the process. The handlers of a signal run
/// one after the other, the latest registered first, and that action follows unless one of them cancels it. A handler registered earlier
/// may still cancel after ours, so a signal flushes and does not stop.
/// </remarks>
internal sealed class ProcessEnd : IDisposable
{
    // On Windows: Ctrl+C, Ctrl+Break, the closed console window, and the shutdown of the machine.
    private static readonly PosixSignal[] AllSignals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    // The lifetime of a host handles the other three and stops the tracing on the way.
    private static readonly PosixSignal[] SignalsBesideHost = [PosixSignal.SIGHUP];

    // A process that is still there so long after a signal goes on.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly MeshTracing _tracing;
    private readonly PosixSignalRegistration?[] _signals;
    private Timer? _grace;
    private volatile bool _isNow;

    public ProcessEnd(MeshTracing tracing, bool hasHost)
    {
        _tracing = tracing;
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandledException;
        _signals = Array.ConvertAll(hasHost ? SignalsBesideHost : AllSignals, Register);
    }

    /// <summary>Whether the process ends now: queues of the application's loggers may then never be written.</summary>
    public bool IsNow => _isNow;

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandledException;
        foreach (var signal in _signals) signal?.Dispose();
        _grace?.Dispose();
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        _isNow = true;
        _tracing.Dispose();
    }

    private void OnUnhandledException(object? sender, UnhandledExceptionEventArgs e)
    {
        if (!e.IsTerminating) return;
        _isNow = true;
        _tracing.Dispose();
    }

    private PosixSignalRegistration? Register(PosixSignal signal)
    {
        try
        {
            return PosixSignalRegistration.Create(signal, OnSignal);
        }
        catch (Exception e) when (e is PlatformNotSupportedException or IOException)
        {
            return null;
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        // A handler that ran before has cancelled the signal.
        if (context.Cancel) return;
        _isNow = true;
        if (!_tracing.TryFlushBeforeExit()) return;
        var signal = context.Signal;
        _grace?.Dispose();
        _grace = new Timer(_ => OnGraceOver(signal), null, Grace, Timeout.InfiniteTimeSpan);
    }

    private void OnGraceOver(PosixSignal signal)
    {
        _isNow = false;
        _tracing.ReportGoingOn(signal);
    }
}
