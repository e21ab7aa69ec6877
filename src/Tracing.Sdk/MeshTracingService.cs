using Microsoft.Extensions.Hosting;

namespace Tracing.Sdk;

/// <summary>Starts tracing before every other hosted service, and stops it after the last one, when Kestrel has drained.</summary>
internal sealed class MeshTracingService(Lazy<MeshTracing> tracing, IServiceProvider services) : IHostedLifecycleService
{
    // What remains is CPU work, unless a processor of the application waits for its collector.
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
        if (tracing.Value.Instance.Recorder is not null) await EndRedisAsync().ConfigureAwait(false);
        await tracing.Value.DisposeAsync().ConfigureAwait(false);
    }

    // OpenTelemetry's instrumentation of Redis makes the spans of the last seconds when it is disposed of. The container would do so after this service has stopped, and its
    // disposal then does nothing. The trimmer understands the literal name.
    private async Task EndRedisAsync()
    {
        try
        {
            if (Type.GetType("OpenTelemetry.Instrumentation.StackExchangeRedis.StackExchangeRedisInstrumentation, OpenTelemetry.Instrumentation.StackExchangeRedis") is { } type
                && services.GetService(type) is IDisposable redis)
            {
                await Task.Run(redis.Dispose).WaitAsync(MaxRedis).ConfigureAwait(false);
            }
        }
        catch (Exception)
        {
            // Another processor of these spans threw, or waits: the stop goes on.
        }
    }
}
