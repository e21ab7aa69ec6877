using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk;

/// <summary>Starts tracing before every other hosted service, and stops it after the last one, when Kestrel has drained.</summary>
internal sealed class MeshTracingService(Lazy<MeshTracing> tracing, IServiceProvider services) : IHostedLifecycleService
{
    // For the CPU work of the instrumentation, which the disposal of a provider begins with. Then its exporters may wait for their collector. A processor that exports each
    // span by itself takes longer, and while it does, spans arrive.
    private static readonly TimeSpan MaxRedisPause = TimeSpan.FromSeconds(1);
    private const int MaxRedisPauses = 5;

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
        var redis = instance.Recorder is not null && OtherListeners.Hear(SourceNames.Redis) ? EndRedisAsync() : Task.CompletedTask;
        for (var (pauses, before) = (0, -1L); !redis.IsCompleted && pauses < MaxRedisPauses && instance.Metrics.Started > before; pauses++)
        {
            before = instance.Metrics.Started;
            await Task.WhenAny(redis, Task.Delay(MaxRedisPause)).ConfigureAwait(false);
        }

        await tracing.Value.DisposeAsync().ConfigureAwait(false);
        await redis.ConfigureAwait(false);
    }

    private Task EndRedisAsync()
    {
        try
        {
            return services.GetRequiredService<RedisEnd>().Run();
        }
        catch (Exception)
        {
            // The provider cannot be made, or the container has ended before: the stop goes on.
            return Task.CompletedTask;
        }
    }
}
