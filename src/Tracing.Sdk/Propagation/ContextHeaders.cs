using System.Collections.Frozen;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>Names of the headers that carry a context. The class of each format holds its own names; all lists of names are here.</summary>
internal static class ContextHeaders
{
    /// <summary>Ids and decision, in every format.</summary>
    public static readonly string[] TraceContext = [.. W3CHeaders.Names, .. B3Headers.Names];

    /// <summary>What an extraction reads and an injection writes on any carrier.</summary>
    public static readonly string[] Propagated = [.. TraceContext, BaggageHeader.HeaderName];

    /// <summary>Every header that this library reads from a request or writes to one.</summary>
    public static readonly string[] All = [.. Propagated, RequestIds.RequestId, RequestIds.ClientTraceId];

    private static readonly FrozenSet<string> Names = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, [.. All, "jaeger-debug-id", "jaeger-baggage", "newrelic", "x-dynatrace", "Request-Id", "Correlation-Context"]);

    private static readonly string[] Prefixes = ["x-b3-", "x-datadog-", "x-ot-", "ot-baggage-", "uberctx-", "sw8", "x-instana-"];

    /// <summary>Whether a header carries a trace context or a decision about tracing, those of other tracers and of Envoy's own sampling included. A caller that is not
    /// trusted has none of them forwarded. Any other header is the application's.</summary>
    public static bool IsAboutTracing(string name)
    {
        // Also x-envoy-force-trace under any prefix, uber-trace-id, x-amzn-trace-id, x-cloud-trace-context, ...
        if (name.Contains("trace", StringComparison.OrdinalIgnoreCase) || Names.Contains(name)) return true;
        foreach (var prefix in Prefixes)
        {
            if (name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
