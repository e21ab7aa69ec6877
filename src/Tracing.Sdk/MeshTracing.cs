using Microsoft.Extensions.Logging;
using Tracing.Sdk.Accounting;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export;
using Tracing.Sdk.Http;
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
    private static MeshTracing[] _live = [];

    private readonly ILogger _logger;
    private readonly SpanAccounts _accounts = new();
    private readonly SpanExporter[] _exporters;
    private readonly PropagationTargets _targets;
    private readonly PropagationTargets _baggageTargets;
    private ForwardListener? _forwardListener;
    private int _stopped;

    private MeshTracing(SettingsResolver settings, string applicationName, string? environment, ILogger logger, TimeProvider time)
    {
        var options = settings.Options;
        _logger = logger;
        Options = options;
        NothingCameIn = new RemoteContext { Owner = this };
        ServiceName = Pipeline.ServiceName(options, applicationName);
        _targets = new PropagationTargets(options.PropagateTo, options.DoNotPropagateTo);
        _baggageTargets = new PropagationTargets(options.BaggageTo, options.DoNotPropagateTo);
        Inbound = options.Mode == MeshTracingMode.Forward ? InboundPolicy.Trusting : Pipeline.Inbound(options, time);
        Propagation = options.Mode == MeshTracingMode.Forward
            ? PropagationSettings.ForwardOnly([.. options.ForwardedHeaders])
            : Pipeline.Propagation(options);
        _exporters = options.Mode == MeshTracingMode.Forward
            ? []
            : Pipeline.Exporters(settings, Pipeline.Resource(options, applicationName, environment), _accounts, logger, time);
        if (options.Mode == MeshTracingMode.Record)
        {
            Recorder = new SpanRecorder(
                owner: this,
                new SourceFilter([.. options.Sources], [.. options.IgnoredSources]),
                new TraceSampler(options.SamplingRatio, options.FollowParentDecision),
                options.RandomFlag,
                _exporters,
                _accounts);
        }
    }

    internal MeshTracingOptions Options { get; }

    internal string ServiceName { get; }

    internal string AttemptHeader => field ??= Options.EnvoyHeaderPrefix + "-attempt-count";

    internal PropagationSettings Propagation { get; }

    internal InboundPolicy Inbound { get; }

    /// <summary>The context of a request that brought nothing, shared by all of them.</summary>
    internal RemoteContext NothingCameIn { get; }

    /// <summary>Whether code that runs for no known request can only belong to this tracing.</summary>
    internal bool IsAlone => Volatile.Read(ref _live) is [var only] && only == this;

    /// <summary>Null when headers are only forwarded.</summary>
    internal SpanRecorder? Recorder { get; }

    /// <summary>Starts tracing in a process without a host. Variables and <paramref name="configure"/> set it up; warnings go to the console.</summary>
    /// <param name="configure">What the code says; it wins over the variables.</param>
    /// <returns>The tracing. Disposing it sends what is left, within five seconds.</returns>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A value is wrong; the message names it and the fix.</exception>
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
        var flushes = Array.ConvertAll(_exporters, e => Task.Factory.StartNew(
            () => e.Flush(FlushTimeout), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        var delivered = await Task.WhenAll(flushes).WaitAsync(cancellationToken).ConfigureAwait(false);
        return Array.TrueForAll(delivered, d => d);
    }

    /// <summary>Stops recording, sends what is left within five seconds, and logs what became of every span. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        Recorder?.Dispose();
        _forwardListener?.Dispose();
        lock (Gate) _live = Array.FindAll(_live, t => t != this);
        Parallel(_exporters, e => e.Shutdown(ShutdownTimeout));
        if (Recorder is not null) Log.Stopped(_logger, _accounts.Ledgers.Any(l => l.TotalDropped > 0) ? LogLevel.Warning : LogLevel.Information, _accounts);
        _accounts.Dispose();
    }

    /// <summary>As <see cref="Dispose"/>, without holding up the calling thread.</summary>
    /// <returns>A task that ends when everything is sent or given up.</returns>
    public async ValueTask DisposeAsync() =>
        await Task.Factory.StartNew(Dispose, default, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);

    internal static MeshTracing Start(SettingsResolver settings, string applicationName, string? environment, ILogger logger, TimeProvider time)
    {
        logger = new SafeLogger(logger);
        var tracing = new MeshTracing(settings, applicationName, environment, logger, time);
        lock (Gate) _live = [.. _live, tracing];
        tracing.Recorder?.Start();
        // Whoever forgets to dispose it, or is told to go by SIGTERM, still sends what he has.
        AppDomain.CurrentDomain.ProcessExit += tracing.OnProcessExit;
        if (settings.ConfigFile is { } file) Log.ConfigFileIgnored(logger, file);
        StartupLine.Write(logger, settings, tracing);
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

    /// <summary>Says from which source the host starts the Activities of its requests.</summary>
    internal void RequestsComeFrom(System.Diagnostics.ActivitySource source)
    {
        if (Recorder is null) _forwardListener ??= new ForwardListener(source);
    }

    internal bool MayPropagateTo(string host)
    {
        var allowed = _targets.Allows(host, out var isFirst);
        if (isFirst && !allowed) Log.OutsideTheMesh(_logger, host);
        return allowed;
    }

    internal bool MaySendBaggageTo(string host) => _baggageTargets.Allows(host, out _);

    /// <summary>Counts a request in which two formats disagreed.</summary>
    internal void Count(ContextConflict conflict)
    {
        if (conflict != ContextConflict.None) _accounts.Conflict((int)conflict);
    }

    private void OnProcessExit(object? sender, EventArgs e) => Dispose();

    // One slow collector must not take the others' time: each has a thread of its own.
    private static void Parallel(SpanExporter[] exporters, Action<SpanExporter> action)
    {
        if (exporters.Length == 1)
        {
            action(exporters[0]);
            return;
        }

        var threads = Array.ConvertAll(exporters, e => new Thread(() => action(e)) { IsBackground = true });
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
    }
}
