using Microsoft.Extensions.Hosting;

namespace Tracing.Sdk;

/// <summary>Starts tracing before every other hosted service and stops it after the last one, when Kestrel has drained.</summary>
internal sealed class MeshTracingService(Lazy<MeshTracing> tracing) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = tracing.Value;
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Checks once more: OpenTelemetry starts as a hosted service too, after this one.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        tracing.Value.Instance.CheckOtherTracing();
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is left. The host's token ends the wait but not the stop, which the disposal of the container waits for.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        // The start has failed.
        if (!tracing.IsValueCreated) return;
        try
        {
            await tracing.Value.DisposeAsync().AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The host's time is up.
        }
    }
}
