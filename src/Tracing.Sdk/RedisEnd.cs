using OpenTelemetry.Trace;

namespace Tracing.Sdk;

/// <summary>Disposes of a TracerProvider before the container does. OpenTelemetry's instrumentation of Redis makes the spans of the last seconds then; by the time of the
/// container, this library has stopped.</summary>
/// <remarks>Resolve it when the provider has started: the container disposes in the reverse order of creation, so it waits here before it disposes of the provider itself.
/// Two disposals at once throw, or the second one returns while the exporters of the first one still send.</remarks>
internal sealed class RedisEnd(IServiceProvider services) : IDisposable, IAsyncDisposable
{
    private readonly TracerProvider? _provider = (TracerProvider?)services.GetService(typeof(TracerProvider));
    private Task _running = Task.CompletedTask;

    /// <summary>Begins the disposal. The task never fails.</summary>
    public Task Run() => _running = Task.Run(() =>
    {
        try
        {
            _provider?.Dispose();
        }
        catch (Exception)
        {
            // A processor of the application threw: the stop goes on.
        }
    });

    public void Dispose() => _running.Wait();

    public ValueTask DisposeAsync() => new(_running);
}
