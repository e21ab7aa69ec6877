using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Configuration;
using Tracing.Sdk.Export;
using Tracing.Sdk.Http;
using Tracing.Sdk.Lifetime;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>The tracing of one process, or of one host in it. A host starts and stops it by itself after <c>AddMeshTracing</c>; a job, a console program or a function
/// without a host says <c>using var tracing = MeshTracing.Start();</c>. In a host it can be injected to flush, or to describe it.</summary>
public sealed class MeshTracing : IDisposable, IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly OptionsInForce _options;
    private readonly Description _description;
    private readonly NothingTracedMonitor? _monitor;
    private readonly CallEndListener? _callEnds;
    private readonly Shutdown _shutdown;
    private IDisposable? _reloading;

    private MeshTracing(
        MeshTracingOptions options, string applicationName, string? environment, ILogger logger, TimeProvider time, Func<bool>? isLoggerDisposed)
    {
        var isRecording = options.Mode == MeshTracingMode.Record;
        var metrics = new SpanMetrics(time);
        var exporters = isRecording ? Exporters.Create(options, options.Origins.NameInForce, TracingParts.CreateResource(options, applicationName, ResourceDetection.OfThisProcess, environment), metrics, logger, time) : [];
        var warnings = new CoexistenceWarnings(logger);
        var userCode = new UserCode(logger);
        var rules = new RulesInForce(new TracingRules(options.Sampling, options.Ignore, options.Enrich, time));
        Instance = new TracingInstance(
            TracingParts.CreatePropagation(options, logger, time),
            rules,
            metrics,
            warnings,
            isRecording
                ? instance => new SpanRecorder(
                    owner: instance,
                    new SourceFilter([.. options.Sources], [.. options.Ignore.Sources], logger, options.Origins.NameInForce),
                    rules,
                    options.Propagation.RandomFlag,
                    exporters,
                    metrics,
                    warnings,
                    new EndedParents(time, logger, options.Origins.NameInForce),
                    userCode,
                    options.Export.BeforeExport is { } hook ? new BeforeExportHook(hook, userCode) : null)
                : null)
        {
            Enrich = options.Enrich,
            Urls = new UrlRedaction(options.Http),
            UserCode = userCode,
        };
        (_time, _options) = (time, new OptionsInForce(options, logger));
        _description = new Description(() => _options.Current, TracingParts.GetServiceName(options, applicationName), metrics, time);
        _monitor = isRecording ? new NothingTracedMonitor(() => _options.Current, metrics, logger, time) : null;
        _callEnds = isRecording && options.Enrich.CallEnd is not null ? new CallEndListener(Instance) : null;
        _shutdown = new Shutdown(Stop, exporters, metrics, isRecording ? new LastLine(logger, metrics, isLoggerDisposed) : null);
    }

    /// <summary>What requests and calls use.</summary>
    internal TracingInstance Instance { get; }

    /// <summary>Starts tracing in a process without a host. When the process ends by return, <see cref="Environment.Exit"/>, an unhandled exception, or SIGTERM, SIGINT,
    /// SIGHUP or SIGQUIT, what is left is sent first.</summary>
    /// <param name="configure">The code's options; they win over <paramref name="configuration"/> and the variables.</param>
    /// <param name="configuration">Configuration with a <c>MeshTracing</c> section. Default: none; environment variables are read in any case.</param>
    /// <param name="loggerFactory">Makes the logger of all lines, the start line among them. Default: warnings and the last line, which tells what became of every span,
    /// are written to standard error, and the start line is not written.</param>
    /// <returns>The tracing. Disposing it sends what is left, within five seconds.</returns>
    /// <exception cref="OptionsValidationException">A value in code or in the section is wrong; the message names it and the fix. A wrong variable is ignored with a warning.</exception>
    public static MeshTracing Start(Action<MeshTracingOptions>? configure = null, IConfiguration? configuration = null, ILoggerFactory? loggerFactory = null)
    {
        OutboundPropagator.Install();
        var logger = CreateLogger(loggerFactory);
        var factory = new MeshTracingOptionsFactory(
            configuration, configure is null ? [] : [new ConfigureOptions<MeshTracingOptions>(configure)], [], [], () => logger);
        var tracing = Start(
            factory.Create(Options.DefaultName),
            System.Reflection.Assembly.GetEntryAssembly()?.GetName().Name ?? "",
            Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT"),
            logger,
            TimeProvider.System,
            isLoggerDisposed: IsDisposed(loggerFactory));
        if (configuration is not null) tracing.ReloadOn(ChangeToken.OnChange(configuration.GetReloadToken, () => tracing.Reload(factory.Create(Options.DefaultName))));
        return tracing;
    }

    /// <summary>Sends all spans that have ended so far: for a job before it ends, or a function before it is frozen.</summary>
    /// <param name="timeout">Time to wait at most, from zero to 24 days. Default 30 s. What has not been sent then stays queued.</param>
    /// <param name="cancellationToken">Ends the wait; what has not been sent stays queued.</param>
    /// <returns>Whether everything was delivered in that time. Zero only starts the sending.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="timeout"/> is negative or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    public Task<bool> FlushAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        if (timeout is not { } time) return _shutdown.FlushAsync(Timeouts.Flush, cancellationToken);
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, nameof(timeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, TimeSpan.FromMilliseconds(int.MaxValue), nameof(timeout));
        return _shutdown.FlushAsync(time, cancellationToken);
    }

    /// <summary>Describes the tracing on one screen, for a support ticket or a debug endpoint: the settings in force and what has set them, what became of requests and spans, the state of each
    /// exporter, and the requests that were not recorded last, with the reason.</summary>
    /// <returns>Some lines of text, without secrets. They are for people: their form may change.</returns>
    /// <example><code>app.MapGet("/debug/tracing", (MeshTracing tracing) => tracing.Describe());</code></example>
    public string Describe() => _description.ToString();

    /// <summary>Stops recording, sends what is left within five seconds, and logs what became of every span. A second call, from any thread, waits for the same stop.</summary>
    public void Dispose() => _shutdown.Dispose();

    /// <summary>As <see cref="Dispose"/>, without blocking the calling thread.</summary>
    /// <returns>A task that ends when everything is sent or given up.</returns>
    public ValueTask DisposeAsync() => _shutdown.DisposeAsync();

    /// <param name="options">All options.</param>
    /// <param name="applicationName">The service's name where the options have none.</param>
    /// <param name="environment">The deployment environment.</param>
    /// <param name="logger">Where lines go.</param>
    /// <param name="time">The clock.</param>
    /// <param name="hasHost">Whether a host handles signals and stops the tracing.</param>
    /// <param name="isLoggerDisposed">Tells whether the logger's factory is disposed. Null when the logger writes to standard error.</param>
    internal static MeshTracing Start(
        MeshTracingOptions options,
        string applicationName,
        string? environment,
        ILogger logger,
        TimeProvider time,
        bool hasHost = false,
        Func<bool>? isLoggerDisposed = null)
    {
        logger = new SafeLogger(logger);
        var tracing = new MeshTracing(options, applicationName, environment, logger, time, isLoggerDisposed);
        ActivityIds.UseW3C();
        tracing.Instance.Start();
        tracing._callEnds?.Start();
        tracing._shutdown.WatchProcess(hasHost);
        foreach (var warning in options.Origins.Warnings) Log.VariableIgnored(logger, warning);
        if (options.Origins.ConfigFile is { } file) Log.ConfigFileIgnored(logger, file);
        StartupLine.Write(logger, options, TracingParts.GetServiceName(options, applicationName));
        if (PlatformSwitch.ActivityPropagation.Find() is { IsOn: false, Name: var name }) Log.PropagationSwitchedOff(logger, name);
        tracing.Instance.CheckOtherTracing();
        tracing._monitor?.Start();
        return tracing;
    }

    /// <summary>Applies those options of a reload that can change while tracing runs, and logs what has changed.</summary>
    internal void Reload(MeshTracingOptions options)
    {
        lock (_options)
        {
            // The last good options come again when the new ones were refused.
            if (ReferenceEquals(options, _options.Current)) return;
            Instance.Rules = new TracingRules(options.Sampling, options.Ignore, options.Enrich, _time, Instance.Rules);
            Instance.Propagation.DeferUnsampled = Instance.Recorder is not null && options.Sampling.DeferUnsampledParent;
            _options.Change(options);
        }
    }

    /// <summary>Takes what calls <see cref="Reload"/>, and disposes of it at the stop.</summary>
    internal void ReloadOn(IDisposable? registration) => _reloading = registration;

    internal static ILogger CreateLogger(ILoggerFactory? loggerFactory) => (ILogger?)loggerFactory?.CreateLogger(Log.Category) ?? new StandardErrorLogger();

    /// <summary>Returns a function that tells whether the factory is disposed of; null without a factory, when lines go to standard error.</summary>
    internal static Func<bool>? IsDisposed(ILoggerFactory? loggerFactory) => loggerFactory is null ? null : () =>
    {
        try
        {
            loggerFactory.CreateLogger(Log.Category);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    };

    private void Stop()
    {
        _reloading?.Dispose();
        _monitor?.Dispose();
        _callEnds?.Dispose();
        Instance.Stop();
    }
}
