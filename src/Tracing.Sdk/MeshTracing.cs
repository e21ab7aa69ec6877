using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export;
using Tracing.Sdk.Http;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>
/// The tracing of one process, or of one host in it. A host starts and stops it by itself after <c>AddMeshTracing</c>; a job, a console
/// program or a function without a host says <c>using var tracing = MeshTracing.Start();</c>. In a host it can be injected to flush.
/// </summary>
public sealed class MeshTracing : IDisposable, IAsyncDisposable
{
    private static readonly Lock Gate = new();
    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);
    // More than a stop takes: a logger or a listener of the application that hangs does not hold up the process for ever.
    private static readonly TimeSpan JoinTimeout = ShutdownTimeout + TimeSpan.FromSeconds(1);
    private static MeshTracing[] _live = [];

    private readonly ILogger _logger;
    private readonly SpanAccounts _accounts = new();
    private readonly CoexistenceWarnings _warnings;
    private readonly SpanExporter[] _exporters;
    private readonly PropagationTargets _targets;
    private readonly Func<string, string> _settingName;
    private readonly PropagationTargets _baggageTargets;
    private ForwardListener? _forwardListener;
    private int _hasWarnedOfEarlyClient;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isStopping;
    private Thread? _stopThread;
    private ProcessEnd? _processEnd;
    // Null when the logger writes to standard error.
    private Func<bool>? _isLoggingOver;
    private string? _lastLine;
    private long _stopBegan;
    // The line that the logger has been given and has not returned from.
    private string? _unwrittenLine;

    private MeshTracing(SettingsResolver settings, string applicationName, string? environment, ILogger logger, TimeProvider time)
    {
        var options = settings.Options;
        _logger = logger;
        _settingName = settings.NameInForce;
        _warnings = new CoexistenceWarnings(logger);
        Options = options;
        NothingCameIn = new RemoteContext { Owner = this };
        ServiceName = Pipeline.ServiceName(options, applicationName);
        _targets = new PropagationTargets(options.Propagation.Targets, options.Propagation.ExcludedTargets);
        _baggageTargets = new PropagationTargets(options.Propagation.BaggageTargets, options.Propagation.ExcludedTargets);
        Inbound = options.Mode == MeshTracingMode.Forward ? InboundPolicy.Trusting : Pipeline.Inbound(options, time);
        Propagation = options.Mode == MeshTracingMode.Forward
            ? PropagationSettings.ForwardOnly([.. options.Propagation.ForwardedHeaders]) with { BaggageKeys = [.. options.Propagation.BaggageKeys] }
            : Pipeline.Propagation(options);
        _exporters = options.Mode == MeshTracingMode.Forward
            ? []
            : Exporters.Create(options, settings.NameInForce, Pipeline.Resource(options, applicationName, environment), _accounts, logger, time);
        if (options.Mode == MeshTracingMode.Record)
        {
            Recorder = new SpanRecorder(
                owner: this,
                new SourceFilter([.. options.Sources], [.. options.IgnoredSources], logger, settings.NameInForce),
                new TraceSampler(options.Sampling.Ratio, options.Sampling.FollowParentDecision),
                options.Propagation.RandomFlag,
                _exporters,
                _accounts,
                _warnings);
        }
    }

    internal MeshTracingOptions Options { get; }

    internal string ServiceName { get; }

    internal string AttemptHeader => field ??= Options.Http.EnvoyHeaderPrefix + "-attempt-count";

    internal PropagationSettings Propagation { get; }

    internal InboundPolicy Inbound { get; }

    /// <summary>The context of a request that brought nothing, shared by all of them.</summary>
    internal RemoteContext NothingCameIn { get; }

    /// <summary>Whether code that runs for no known request can only belong to this tracing.</summary>
    internal bool IsAlone => Volatile.Read(ref _live) is [var only] && only == this;

    /// <summary>Null when headers are only forwarded.</summary>
    internal SpanRecorder? Recorder { get; }

    /// <summary>
    /// Starts tracing in a process without a host. Variables and <paramref name="configure"/> set it up; warnings, and the last line that
    /// says what became of every span, go to standard error. When the process ends by return, <see cref="Environment.Exit"/>, an
    /// unhandled exception, or SIGTERM, SIGINT, SIGHUP or SIGQUIT, what is left is sent first.
    /// </summary>
    /// <param name="configure">What the code says; it wins over the variables.</param>
    /// <returns>The tracing. Disposing it sends what is left, within five seconds.</returns>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A value that <paramref name="configure"/> sets is wrong; the message names it and the fix. A wrong variable is ignored with a warning.</exception>
    public static MeshTracing Start(Action<MeshTracingOptions>? configure = null)
    {
        OutboundPropagator.Install();
        var settings = SettingsResolver.Resolve(configuration: null, configure is null ? [] : [configure]);
        var name = System.Reflection.Assembly.GetEntryAssembly()?.GetName().Name ?? "";
        return Start(settings, name, Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT"), new StandardErrorLogger(), TimeProvider.System);
    }

    /// <summary>Sends all spans that have ended so far: for a job before it ends, or a function before it is frozen.</summary>
    /// <param name="cancellationToken">Ends the wait; what has not been sent stays queued.</param>
    /// <returns>Whether everything was delivered within 30 s.</returns>
    public async Task<bool> FlushAsync(CancellationToken cancellationToken = default)
    {
        var delivered = await Task.WhenAll(StartFlushes(FlushTimeout, isLast: false, cancellationToken)).WaitAsync(cancellationToken).ConfigureAwait(false);
        return Array.TrueForAll(delivered, d => d);
    }

    /// <summary>
    /// Stops recording, sends what is left within five seconds, and logs what became of every span. A second call, from any thread, waits
    /// for the same stop.
    /// </summary>
    public void Dispose()
    {
        if (BeginStop() && !_stopped.Task.Wait(TimeToJoin)) WriteUnwrittenLine();
    }

    /// <summary>As <see cref="Dispose"/>, without holding up the calling thread.</summary>
    /// <returns>A task that ends when everything is sent or given up.</returns>
    public async ValueTask DisposeAsync()
    {
        if (!BeginStop()) return;
        try
        {
            await _stopped.Task.WaitAsync(TimeToJoin).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            WriteUnwrittenLine();
        }
    }

    /// <param name="settings">All settings.</param>
    /// <param name="applicationName">The service's name where the settings have none.</param>
    /// <param name="environment">The deployment environment.</param>
    /// <param name="logger">Where lines go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="hasHost">Whether a host handles signals and stops the tracing.</param>
    /// <param name="isLoggingOver">Tells whether the logger's factory is disposed. Null when the logger writes to standard error.</param>
    internal static MeshTracing Start(
        SettingsResolver settings,
        string applicationName,
        string? environment,
        ILogger logger,
        TimeProvider time,
        bool hasHost = false,
        Func<bool>? isLoggingOver = null)
    {
        logger = new SafeLogger(logger);
        var tracing = new MeshTracing(settings, applicationName, environment, logger, time) { _isLoggingOver = isLoggingOver };
        lock (Gate) _live = [.. _live, tracing];
        ActivityIds.UseW3C();
        tracing.Recorder?.Start();
        tracing._processEnd = new ProcessEnd(tracing, hasHost);
        foreach (var warning in settings.Warnings) Log.VariableIgnored(logger, warning);
        if (settings.ConfigFile is { } file) Log.ConfigFileIgnored(logger, file);
        StartupLine.Write(logger, settings, tracing);
        tracing.CheckOtherTracing();
        return tracing;
    }

    /// <summary>
    /// The tracing that the running code belongs to: its request's, else the oldest in the process, because a request that began while
    /// that one was alone may carry no context. Null when there is none.
    /// </summary>
    internal static MeshTracing? Find()
    {
        if (RemoteContext.Current?.Owner is MeshTracing owner) return owner;
        var live = Volatile.Read(ref _live);
        return live.Length == 0 ? null : live[0];
    }

    /// <summary>Warns once of other tracing in this process that makes spans of the same requests, calls or messages.</summary>
    internal void CheckOtherTracing()
    {
        if (Recorder is not null) _warnings.CheckRecording();
        else _warnings.CheckForwarding(_forwardListener?.RequestSource);
    }

    /// <summary>Sets the source from which the host starts the Activities of its requests.</summary>
    internal void RequestsComeFrom(System.Diagnostics.ActivitySource source)
    {
        if (Recorder is null) _forwardListener ??= new ForwardListener(source, _warnings);
    }

    internal bool MayPropagateTo(string host)
    {
        var allowed = _targets.Allows(host, out var isFirst);
        if (isFirst && !allowed) Log.OutsideTheMesh(_logger, host, _settingName("Propagation:Targets"));
        return allowed;
    }

    internal bool MaySendBaggageTo(string host) => _baggageTargets.Allows(host, out _);

    /// <summary>Warns, once, that the calls of a client do not have our headers because it was made before tracing was added.</summary>
    internal void EarlyClientFound(string host)
    {
        if (Interlocked.Exchange(ref _hasWarnedOfEarlyClient, 1) == 0) Log.EarlyClient(_logger, host);
    }

    /// <summary>Counts a request in which two formats disagreed.</summary>
    internal void Count(ContextConflict conflict)
    {
        if (conflict != ContextConflict.None) _accounts.Conflict((int)conflict);
    }

    /// <summary>
    /// Sends everything and writes the last line before a signal ends the process, but does not stop: the signal can still be cancelled.
    /// When a stop is under way, waits for that.
    /// </summary>
    /// <returns>False when the tracing has stopped.</returns>
    internal bool TryFlushBeforeExit()
    {
        if (Volatile.Read(ref _isStopping) == 0)
        {
            Task.WaitAll(StartFlushes(ShutdownTimeout, isLast: true, CancellationToken.None), ShutdownTimeout);
        }

        if (Volatile.Read(ref _isStopping) != 0)
        {
            if (!_stopped.Task.Wait(TimeToJoin)) WriteUnwrittenLine();
            return false;
        }

        WriteLastLine();
        return true;
    }

    /// <summary>Writes that recording goes on after a last line that a signal has caused.</summary>
    internal void ReportGoingOn(PosixSignal signal)
    {
        if (Recorder is null || Volatile.Read(ref _isStopping) != 0) return;
        WriteLine(LogLevel.Information, () => Log.GoesOn(_logger, signal), $"Tracing goes on: {signal} did not end the process.");
    }

    // An exporter waits for its collector, so each needs a thread, and not one of the pool, which may be exhausted.
    private Task<bool>[] StartFlushes(TimeSpan timeout, bool isLast, CancellationToken cancellationToken) => Array.ConvertAll(_exporters, e => Task.Factory.StartNew(
        () => e.Flush(timeout, isLast), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    // Starts the stop unless it has been started. False on its own thread, which must not wait for itself.
    private bool BeginStop()
    {
        if (Interlocked.Exchange(ref _isStopping, 1) != 0) return Thread.CurrentThread != Volatile.Read(ref _stopThread);
        Volatile.Write(ref _stopBegan, System.Diagnostics.Stopwatch.GetTimestamp());
        var thread = new Thread(Stop) { IsBackground = true, Name = "Tracing.Sdk stop" };
        _stopThread = thread;
        try
        {
            thread.UnsafeStart();
        }
        catch (OutOfMemoryException)
        {
            // The system has no thread to give.
            _stopThread = Thread.CurrentThread;
            Stop();
        }

        return true;
    }

    private void Stop()
    {
        try
        {
            Recorder?.Dispose();
            _forwardListener?.Dispose();
            lock (Gate) _live = Array.FindAll(_live, t => t != this);
            // All of them at the same time: a slow collector does not take the time of another.
            var begun = System.Diagnostics.Stopwatch.GetTimestamp();
            foreach (var exporter in _exporters) exporter.BeginShutdown(ShutdownTimeout);
            foreach (var exporter in _exporters) exporter.EndShutdown(ShutdownTimeout - System.Diagnostics.Stopwatch.GetElapsedTime(begun));
            WriteLastLine();
            _accounts.Dispose();
        }
        catch (Exception)
        {
            // From code of the application, such as a MeterListener: it would end the process.
        }
        finally
        {
            // Not earlier: until now the end of the process waits for this.
            _processEnd?.Dispose();
            _stopped.SetResult();
        }
    }

    private void WriteLastLine()
    {
        if (Recorder is null) return;
        var accounts = _accounts.ToString(isLast: true, isRunning: Volatile.Read(ref _isStopping) == 0);
        // A signal may have written it before the program ended.
        if (Interlocked.Exchange(ref _lastLine, accounts) == accounts) return;
        var level = _accounts.Ledgers.Any(l => l.TotalDropped + l.InFlight > 0) ? LogLevel.Warning : LogLevel.Information;
        WriteLine(level, () => Log.Stopped(_logger, level, accounts), $"Tracing stopped: {accounts}");
    }

    // What is left for all threads that wait for the one stop, counted from its beginning.
    private TimeSpan TimeToJoin
    {
        get
        {
            // Another thread may be about to begin the stop.
            var began = Volatile.Read(ref _stopBegan);
            var left = began == 0 ? JoinTimeout : JoinTimeout - System.Diagnostics.Stopwatch.GetElapsedTime(began);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    private void WriteUnwrittenLine()
    {
        if (Interlocked.Exchange(ref _unwrittenLine, null) is { } line) StandardErrorLogger.Write(line);
    }

    // A line that has to be seen. It goes to standard error as well when what the logger gets may never be written.
    private void WriteLine(LogLevel level, Action log, string line)
    {
        var isUncertain = true;
        try
        {
            if (_isLoggingOver is { } isLoggingOver)
            {
                isUncertain = (_processEnd is { IsNow: true } || isLoggingOver()) && _logger.IsEnabled(level);
                Volatile.Write(ref _unwrittenLine, line);
                log();
                // False when a thread that waited for the stop has given up and written it.
                if (Interlocked.Exchange(ref _unwrittenLine, null) is null) return;
            }
        }
        catch (Exception)
        {
            // From a log provider of the application that is asked for a logger.
            isUncertain = true;
        }

        if (isUncertain) StandardErrorLogger.Write(line);
    }
}
