using System.Diagnostics;
using System.Reflection;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Configuration;

/// <summary>From options to parts.</summary>
internal static class Pipeline
{
    public static PropagationSettings Propagation(MeshTracingOptions options)
    {
        var names = options.Propagation.Formats.Select(p => p.ToLowerInvariant()).ToList();
        var w3c = names.IndexOf("tracecontext");
        var multi = names.IndexOf("b3multi");
        var single = names.IndexOf("b3");
        var b3 = multi < 0 && single < 0 ? B3Format.None
            : single < 0 || (multi >= 0 && multi < single) ? B3Format.MultiHeader
            : B3Format.SingleHeader;
        // Often listed by those who used to copy them by hand: what we write ourselves is no header that merely passes through.
        HashSet<string> own = new(StringComparer.OrdinalIgnoreCase) { RequestIds.RequestId, RequestIds.ClientTraceId };
        if (w3c >= 0) own.UnionWith([TraceParent.HeaderName, TraceStateList.HeaderName]);
        if (b3 != B3Format.None)
        {
            own.UnionWith([B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId, B3Headers.Sampled, B3Headers.Flags]);
        }

        if (names.Contains("baggage")) own.Add(BaggageHeader.HeaderName);
        var firstB3 = multi < 0 ? single : single < 0 ? multi : Math.Min(multi, single);
        return new PropagationSettings
        {
            W3C = w3c >= 0,
            B3 = b3,
            B3First = firstB3 >= 0 && (w3c < 0 || firstB3 < w3c),
            Baggage = names.Contains("baggage"),
            BaggageKeys = [.. options.Propagation.BaggageKeys],
            PassThrough =
                [RequestIds.ClientTraceId, .. options.Propagation.ForwardedHeaders.Where(h => !own.Contains(h)).Distinct(StringComparer.OrdinalIgnoreCase)],
            RandomFlag = options.Propagation.RandomFlag,
        };
    }

    public static InboundPolicy Inbound(MeshTracingOptions options, TimeProvider time) => new(
        new TrustPolicy(options.Trust.Default, options.Trust.Rules, options.Http.EnvoyHeaderPrefix),
        options.Sampling.DeferUnsampledParent,
        options.Trust.MaxForcedTracesPerSecond is { } limit ? new ForcedTraceLimit(limit, time) : null);

    // https://opentelemetry.io/docs/specs/semconv/resource/
    public static Resource Resource(MeshTracingOptions options, string applicationName, string? environment)
    {
        var declared = options.ResourceAttributes;
        var attributes = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["service.name"] = ServiceName(options, applicationName),
            ["service.instance.id"] = Guid.NewGuid().ToString(),
            ["telemetry.sdk.name"] = "Tracing.Sdk",
            ["telemetry.sdk.language"] = "dotnet",
            ["telemetry.sdk.version"] = SdkVersion.Text,
        };
        if (Assembly.GetEntryAssembly() is { } entry && SdkVersion.Read(entry) is { } version) attributes["service.version"] = version;
        if (!string.IsNullOrEmpty(environment)) attributes["deployment.environment.name"] = environment.ToLowerInvariant();
        foreach (var (key, value) in declared)
        {
            if (key.Length > 0 && key != "service.name") attributes[key] = value;
        }

        return new Resource([.. attributes]);
    }

    public static string ServiceName(MeshTracingOptions options, string applicationName)
    {
        if (!string.IsNullOrWhiteSpace(options.ServiceName)) return options.ServiceName;
        if (options.ResourceAttributes.TryGetValue("service.name", out var declared) && declared.Length > 0) return declared;
        return applicationName.Length > 0 ? applicationName : $"unknown_service:{Process.GetCurrentProcess().ProcessName}";
    }
}
