using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Trace;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>Starts tracing before every other hosted service, and stops it after the last one, when Kestrel has drained.</summary>
internal sealed class MeshTracingService(Lazy<MeshTracing> tracing, IServiceProvider services) : IHostedLifecycleService
{
    // For the CPU work of the instrumentation, which the disposal of a provider begins with. Then its exporters may wait for their collector.
    private static readonly TimeSpan MaxRedis = TimeSpan.FromSeconds(1);

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
        var redis = tracing.Value.Instance.Recorder is not null && OtherListeners.Hear(SourceNames.Redis) ? Task.Run(EndRedis) : Task.CompletedTask;
        await Task.WhenAny(redis, Task.Delay(MaxRedis)).ConfigureAwait(false);
        await tracing.Value.DisposeAsync().ConfigureAwait(false);
        await redis.ConfigureAwait(false);
    }

    // OpenTelemetry's instrumentation of Redis makes the spans of the last seconds when its TracerProvider is disposed of. The container would do so after this service has
    // stopped, and its disposal then does nothing.
    private void EndRedis()
    {
        try
        {
            services.GetService<TracerProvider>()?.Dispose();
        }
        catch (Exception)
        {
            // A processor of the application threw: the stop goes on.
        }
    }
}
