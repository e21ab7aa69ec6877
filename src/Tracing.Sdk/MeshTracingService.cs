using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tracing.Sdk.Lifetime;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>Starts tracing before every other hosted service, and stops it after the last one, when Kestrel has drained.</summary>
internal sealed class MeshTracingService(Lazy<MeshTracing> tracing, IServiceProvider services) : IHostedLifecycleService
{
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
        var instance = tracing.Value.Instance;
        if (instance.Recorder is not null && OtherListeners.Hear(SourceNames.Redis) && FindRedis() is { } redis) await redis.TakeAsync(instance.Metrics).ConfigureAwait(false);
        await tracing.Value.DisposeAsync().ConfigureAwait(false);
    }

    private LastRedisSpans? FindRedis()
    {
        try
        {
            return services.GetService<LastRedisSpans>();
        }
        catch (Exception)
        {
            // The provider cannot be made, or the container has ended before: the stop goes on.
            return null;
        }
    }
}
