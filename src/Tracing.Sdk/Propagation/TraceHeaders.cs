using System.Collections.Frozen;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;

namespace Tracing.Sdk.Propagation;

/// <summary>
/// Names of headers that carry a trace context or a decision about tracing, those of other tracers and of Envoy's own sampling included:
/// what does not go on from a caller that is not trusted. Any other header is the application's.
/// </summary>
internal static class TraceHeaders
{
    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        B3Headers.Single, BaggageHeader.HeaderName, RequestIds.RequestId,
        "jaeger-debug-id", "jaeger-baggage", "newrelic", "x-dynatrace", "Request-Id", "Correlation-Context");

    private static readonly string[] Prefixes = ["x-b3-", "x-datadog-", "x-ot-", "ot-baggage-", "uberctx-", "sw8", "x-instana-"];

    public static bool Contains(string name)
    {
        // traceparent, x-client-trace-id, x-envoy-force-trace under any prefix, uber-trace-id, x-amzn-trace-id, x-cloud-trace-context, ...
        if (name.Contains("trace", StringComparison.OrdinalIgnoreCase) || Names.Contains(name)) return true;
        foreach (var prefix in Prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
