using Microsoft.Extensions.Diagnostics.HealthChecks;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>Reports what the log said last about the export. Reads numbers only, so it never waits, and it is never unhealthy: a service works without its traces.</summary>
/// <param name="tracing">The tracing; null when none was added.</param>
internal sealed class TracingHealthCheck(TracingInstance? tracing) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (tracing is null) return HealthCheckResult.Degraded("AddMeshTracing() was not called on the services, so nothing is traced.");
        var metrics = tracing.Metrics;
        var problems = new List<string>();
        var data = new Dictionary<string, object> { ["started"] = metrics.Started };
        var decisions = metrics.ReadDecisions();
        data["requests.recorded"] = decisions.Recorded;
        data["requests.not_recorded"] = decisions.Refused;
        foreach (var exporter in metrics.Exporters)
        {
            data[$"{exporter.ComponentName}.exported"] = exporter.Exported;
            data[$"{exporter.ComponentName}.dropped"] = exporter.TotalDropped;
            data[$"{exporter.ComponentName}.in_flight"] = exporter.InFlight;
            data[$"{exporter.ComponentName}.queue.bytes"] = exporter.QueueBytes;
            data[$"{exporter.ComponentName}.queue.capacity"] = exporter.QueueCapacityBytes;
            if (exporter.FindProblem() is { } problem) problems.Add(problem);
        }

        return problems.Count == 0 ? HealthCheckResult.Healthy(data: data) : HealthCheckResult.Degraded(string.Join(' ', problems.Distinct()), data: data);
    }
}
