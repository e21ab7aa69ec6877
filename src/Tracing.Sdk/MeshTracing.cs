using Microsoft.Extensions.Logging;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Http;
using Tracing.Sdk.Lifetime;
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
    private static MeshTracing[] _live = [];

    private readonly ILogger _logger;
    private readonly SpanMetrics _metrics = new();
    private readonly CoexistenceWarnings _warnings;
    private readonly Shutdown _shutdown;
    private readonly PropagationTargets _targets;
    private readonly PropagationTargets _baggageTargets;
    private ForwardListener? _forwardListener;
    private int _hasWarnedOfEarlyClient;

    private MeshTracing(SettingsResolver settings, string applicationName, string? environment, ILogger logger, TimeProvider time, Func<bool>? isLoggerDisposed)
    {
        var options = settings.Options;
        _logger = logger;
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
        var exporters = options.Mode == MeshTracingMode.Forward
            ? []
            : Pipeline.Exporters(settings, Pipeline.Resource(options, applicationName, environment), _metrics, logger, time);
        if (options.Mode == MeshTracingMode.Record)
        {
            Recorder = new SpanRecorder(
                owner: this,
                new SourceFilter([.. options.Sources], [.. options.IgnoredSources], logger),
                new TraceSampler(options.Sampling.Ratio, options.Sampling.FollowParentDecision),
                options.Propagation.RandomFlag,
                exporters,
                _metrics,
                _warnings);
        }

        _shutdown = new Shutdown(StopRecording, exporters, _metrics, Recorder is null ? null : new LastLine(logger, _metrics, isLoggerDisposed));
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
    /// <param name="timeout">Time to wait at most, from zero to 24 days. Default 30 s. What has not been sent then stays queued.</param>
    /// <param name="cancellationToken">Ends the wait; what has not been sent stays queued.</param>
    /// <returns>Whether everything was delivered in that time.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is negative or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    public Task<bool> FlushAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        if (timeout is not { } time) return _shutdown.FlushAsync(Timeouts.Flush, cancellationToken);
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, nameof(timeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, TimeSpan.FromMilliseconds(int.MaxValue), nameof(timeout));
        return _shutdown.FlushAsync(time, cancellationToken);
    }

    /// <summary>
    /// Stops recording, sends what is left within five seconds, and logs what became of every span. A second call, from any thread, waits
    /// for the same stop.
    /// </summary>
    public void Dispose() => _shutdown.Dispose();

    /// <summary>As <see cref="Dispose"/>, without blocking the calling thread.</summary>
    /// <returns>A task that ends when everything is sent or given up.</returns>
    public ValueTask DisposeAsync() => _shutdown.DisposeAsync();

    /// <param name="settings">All settings.</param>
    /// <param name="applicationName">The service's name where the settings have none.</param>
    /// <param name="environment">The deployment environment.</param>
    /// <param name="logger">Where lines go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="hasHost">Whether a host handles signals and stops the tracing.</param>
    /// <param name="isLoggerDisposed">Tells whether the logger's factory is disposed. Null when the logger writes to standard error.</param>
    internal static MeshTracing Start(
        SettingsResolver settings,
        string applicationName,
        string? environment,
        ILogger logger,
        TimeProvider time,
        bool hasHost = false,
        Func<bool>? isLoggerDisposed = null)
    {
        logger = new SafeLogger(logger);
        var tracing = new MeshTracing(settings, applicationName, environment, logger, time, isLoggerDisposed);
        lock (Gate) _live = [.. _live, tracing];
        ActivityIds.UseW3C();
        tracing.Recorder?.Start();
        tracing._shutdown.WatchProcess(hasHost);
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
        if (isFirst && !allowed) Log.OutsideTheMesh(_logger, host);
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
        if (conflict != ContextConflict.None) _metrics.Conflict((int)conflict);
    }

    private void StopRecording()
    {
        Recorder?.Dispose();
        _forwardListener?.Dispose();
        lock (Gate) _live = Array.FindAll(_live, t => t != this);
    }
}
