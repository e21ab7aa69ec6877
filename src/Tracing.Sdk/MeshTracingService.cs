using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Trace;

namespace Tracing.Sdk;

/// <summary>Starts tracing before every other hosted service, and stops it after the last one, when Kestrel has drained.</summary>
internal sealed class MeshTracingService(Lazy<MeshTracing> tracing, IServiceProvider services) : IHostedLifecycleService
{
    // As long as its processors may take.
    private static readonly TimeSpan MaxDisposal = TimeSpan.FromSeconds(5);

    // The host's TracerProvider of OpenTelemetry, which it disposes of with its container, after this service has stopped.
    private TracerProvider? _openTelemetry;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = tracing.Value;
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Looks for other tracing once more: OpenTelemetry starts as a hosted service too, after this one.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        tracing.Value.Instance.CheckOtherTracing();
        if (tracing.Value.Instance.Recorder is not null) _openTelemetry = FindTracerProvider();
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops tracing. The host's token ends the wait and not the stop; the disposal of the container waits for the rest of it.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        // The start has failed.
        if (!tracing.IsValueCreated) return;
        try
        {
            await StopTracingAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The host's shutdown timeout has elapsed.
        }
    }

    private async Task StopTracingAsync()
    {
        if (_openTelemetry is { } provider) await DisposeAsync(provider).ConfigureAwait(false);
        await tracing.Value.DisposeAsync().ConfigureAwait(false);
    }

    // Its instrumentation of Redis makes the spans of the last seconds when it is disposed of. The container's disposal then does nothing.
    private static async Task DisposeAsync(TracerProvider provider)
    {
        try
        {
            await Task.Run(provider.Dispose).WaitAsync(MaxDisposal).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Its exporter waits for a collector, or a processor of the application threw: the stop goes on.
        }
    }

    // Its own hosted service has made it, so none is made here.
    private TracerProvider? FindTracerProvider() =>
        services.GetService<IServiceProviderIsService>()?.IsService(typeof(TracerProvider)) == true ? services.GetService<TracerProvider>() : null;
}
