using System.Globalization;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Backends;

public enum Fault
{
    /// <summary>The receiver refuses everything because of its memory limit, and is replaced by one that has room.</summary>
    NoMemory,

    /// <summary>The Collector is ended while spans are sent to it, is away for a while, and is started again.</summary>
    Outage,
}

/// <summary>
/// A service for each format, all of which send to one receiver, and everything that happens to this receiver. The spans of a service and a fault
/// are one trace, which ends in the shared Jaeger.
/// </summary>
public sealed class BackendFaultFixture(BackendFixture backend) : IAsyncLifetime
{
    /// <summary>Requests in each of the phases of a fault.</summary>
    private const int Burst = 100;

    private readonly Receiver _receiver = Receiver.AtFreePorts();
    private readonly Dictionary<WireFormat, ServiceProcess> _services = [];
    private readonly Dictionary<(Fault, WireFormat), (string TraceId, int Requests)> _sent = [];

    public async Task InitializeAsync()
    {
        if (!BackendFixture.IsHere) return;
        await _receiver.StartFullJaegerAsync(backend.Jaeger.OtlpHttp);
        foreach (var format in Enum.GetValues<WireFormat>())
            _services[format] = await StartServiceAsync(format);
        var refused = _services.Values.Select(WaitForRefusalAsync).ToArray();
        await SendAsync(Fault.NoMemory);
        await Task.WhenAll(refused);
        await _receiver.StopAsync();
        await _receiver.StartCollectorAsync(backend.Jaeger.OtlpHttp);
        await SendAsync(Fault.NoMemory);
        foreach (var format in Enum.GetValues<WireFormat>())
            await WaitForRequestsAsync(Fault.NoMemory, format);

        await SendAsync(Fault.Outage);
        await Task.WhenAll(_receiver.StopAsync(), SendAsync(Fault.Outage));
        await SendAsync(Fault.Outage);
        await Task.WhenAll(_receiver.StartCollectorAsync(backend.Jaeger.OtlpHttp), SendAsync(Fault.Outage));
        await SendAsync(Fault.Outage);
    }

    /// <summary>The numbers of the requests whose spans were sent, and those of the spans that Jaeger has in the end.</summary>
    internal async Task<(IReadOnlyList<int> Sent, IReadOnlyList<int> Arrived)> WaitForRequestsAsync(Fault fault, WireFormat format)
    {
        var (traceId, count) = _sent[(fault, format)];
        int[] sent = [.. Enumerable.Range(0, count)];
        int[] arrived = [];
        await backend.WaitForTraceAsync(traceId, spans =>
        {
            arrived = [.. spans.Select(span => int.Parse(span.Tags["url.path"].Split('/')[^1], CultureInfo.InvariantCulture)).Order()];
            return arrived.Distinct().Count() == count;
        });
        return (sent, arrived);
    }

    /// <summary>Makes large spans in the service, and returns how many of them Jaeger has in the end.</summary>
    internal async Task<int> SendLargeSpansAsync(WireFormat format, int count, int bytes)
    {
        var traceId = Guid.NewGuid().ToString("N");
        using var connection = await RawConnection.OpenAsync(_services[format].Address);
        await connection.SendAsync("GET", string.Create(CultureInfo.InvariantCulture, $"/large-spans/all?count={count}&bytes={bytes}"), Context(traceId));
        var spans = await backend.WaitForTraceAsync(traceId, spans => spans.Count == 1 + count);
        return spans.Count(span => span.Tags.TryGetValue("value", out var value) && value.Length == bytes);
    }

    public async Task DisposeAsync()
    {
        foreach (var service in _services.Values)
            await service.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    private static HeaderLine[] Context(string traceId) => [new("traceparent", $"00-{traceId}-b7ad6b7169203331-01")];

    // The line before the sentence of a failed export, which is written once for each failure.
    private static Task<string> WaitForRefusalAsync(ServiceProcess service) => service.Process.WaitForLineAsync(
        line => line.Contains("Tracing.Sdk[20]", StringComparison.Ordinal) ? line : null, "be refused", TimeSpan.FromMinutes(1), CancellationToken.None);

    private Task<ServiceProcess> StartServiceAsync(WireFormat format) => ServiceProcess.StartAsync(
        $"faults-{format}", TestService.Dll, new Dictionary<string, string>(_receiver.Endpoints.Variables(format))
        {
            ["OTEL_SERVICE_NAME"] = $"faults-{format}",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
            ["Logging__LogLevel__Microsoft.AspNetCore"] = "Warning",
            // Room for what the largest request may not hold.
            ["MeshTracing__Export__Batch__MaxQueueBytes"] = "67108864",
        });

    // One request after the other to each service.
    private Task SendAsync(Fault fault) => Task.WhenAll(_services.Select(async service =>
    {
        var key = (fault, service.Key);
        var (traceId, from) = _sent.GetValueOrDefault(key, (Guid.NewGuid().ToString("N"), 0));
        using var connection = await RawConnection.OpenAsync(service.Value.Address);
        for (var number = from; number < from + Burst; number++)
            await connection.SendAsync("GET", string.Create(CultureInfo.InvariantCulture, $"/no-call/{number}"), Context(traceId));
        lock (_sent)
            _sent[key] = (traceId, from + Burst);
    }));
}
