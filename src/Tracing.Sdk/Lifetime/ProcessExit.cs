using System.Runtime.InteropServices;

namespace Tracing.Sdk.Lifetime;

/// <summary>Stops a tracing when its process ends, and flushes it when a signal is about to end the process.</summary>
/// <remarks>.NET 10 raises no ProcessExit for a signal: the default action of the operating system ends the process. The handlers of a signal run one after the other,
/// the latest registered first, and that action follows unless one of them cancels it. A handler registered earlier may still cancel it afterwards, so a signal flushes
/// and does not stop.</remarks>
internal sealed class ProcessExit : IDisposable
{
    // On Windows: Ctrl+C, Ctrl+Break, the closed console window, and the shutdown of the machine.
    private static readonly PosixSignal[] AllSignals = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    // A host handles the other three, and stops the tracing with its services.
    private static readonly PosixSignal[] SignalsBesideHost = [PosixSignal.SIGHUP];

    private readonly Shutdown _shutdown;
    private readonly PosixSignalRegistration?[] _signals;
    private Timer? _grace;

    public ProcessExit(Shutdown shutdown, bool hasHost)
    {
        _shutdown = shutdown;
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandledException;
        _signals = Array.ConvertAll(hasHost ? SignalsBesideHost : AllSignals, Register);
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandledException;
        foreach (var signal in _signals) signal?.Dispose();
        _grace?.Dispose();
    }

    private void OnProcessExit(object? sender, EventArgs e) => _shutdown.StopAtProcessExit();

    private void OnUnhandledException(object? sender, UnhandledExceptionEventArgs e)
    {
        if (e.IsTerminating) _shutdown.StopAtProcessExit();
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
        if (!_shutdown.TryFlushAtSignal()) return;
        var signal = context.Signal;
        _grace?.Dispose();
        _grace = new Timer(_ => _shutdown.Continue(signal), null, Timeouts.SignalGrace, Timeout.InfiniteTimeSpan);
    }
}
