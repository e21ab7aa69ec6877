using OpenTelemetry.Trace;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Lifetime;

/// <summary>Takes the last spans of OpenTelemetry's instrumentation of Redis. It makes them when its TracerProvider is disposed of, which the container does after this library
/// has stopped.</summary>
/// <remarks>Resolve it when the provider has started: the container disposes in the reverse order of creation, so it waits here before it disposes of the provider itself.
/// Two disposals at once throw, or the second one returns while the exporters of the first one still send.</remarks>
internal sealed class LastRedisSpans(IServiceProvider services) : IDisposable, IAsyncDisposable
{
    // For the CPU work of the instrumentation, which the disposal of a provider begins with. Then its exporters may wait for their collector. A processor that exports each
    // span by itself takes longer, and while it does, spans arrive.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private const int MaxPauses = 5;

    private readonly TracerProvider? _provider = (TracerProvider?)services.GetService(typeof(TracerProvider));
    private Task _disposal = Task.CompletedTask;

    /// <summary>Disposes of the provider, and waits as long as spans arrive. The disposal may go on afterwards.</summary>
    /// <param name="metrics">Count the spans.</param>
    public async Task TakeAsync(SpanMetrics metrics)
    {
        _disposal = Task.Run(DisposeOfProvider);
        var before = -1L;
        for (var i = 0; i < MaxPauses && !_disposal.IsCompleted && metrics.Started > before; i++)
        {
            before = metrics.Started;
            await Task.WhenAny(_disposal, Task.Delay(Pause)).ConfigureAwait(false);
        }
    }

    public void Dispose() => _disposal.Wait();

    public ValueTask DisposeAsync() => new(_disposal);

    private void DisposeOfProvider()
    {
        try
        {
            _provider?.Dispose();
        }
        catch (Exception)
        {
            // A processor of the application threw: the stop goes on.
        }
    }
}
