using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Configuration;

/// <summary>Makes the parts of a tracing from its options.</summary>
internal static class TracingParts
{
    public static ContextPropagation CreatePropagation(MeshTracingOptions options, ILogger logger, TimeProvider time)
    {
        var isForward = options.Mode == MeshTracingMode.Forward;
        var o = options.Propagation;
        var forward = PropagationSettings.ForwardOnly([.. o.ForwardedHeaders]) with { BaggageKeys = [.. o.BaggageKeys] };
        return new ContextPropagation
        {
            Settings = isForward ? forward : HeaderSettings(options),
            Forward = forward,
            Targets = new PropagationTargets(o.Targets, o.ExcludedTargets, refused: host => Log.OutsideTheMesh(logger, host, options.Origins.NameInForce("Propagation:Targets"))),
            BaggageTargets = new PropagationTargets(o.BaggageTargets, o.ExcludedTargets),
            Trust = isForward ? null : new TrustPolicy(options.Trust.Default, options.Trust.Rules, options.Http.EnvoyHeaderPrefix),
            DeferUnsampled = !isForward && options.Sampling.DeferUnsampledParent,
            Forced = !isForward && options.Trust.MaxForcedTracesPerSecond is { } limit ? new RateLimit(limit, limit, time) : null,
        };
    }

    private static PropagationSettings HeaderSettings(MeshTracingOptions options)
    {
        var formats = PropagationSettings.WithFormats(options.Propagation.Formats);
        // Headers that are written anyway are not forwarded, even if they are listed.
        HashSet<string> own = new(StringComparer.OrdinalIgnoreCase) { RequestIds.RequestId, RequestIds.ClientTraceId };
        if (formats.W3C) own.UnionWith(W3CHeaders.Names);
        if (formats.B3 != B3Format.None) own.UnionWith(B3Headers.Names);
        if (formats.Baggage) own.Add(BaggageHeader.HeaderName);
        return formats with
        {
            BaggageKeys = [.. options.Propagation.BaggageKeys],
            PassThrough =
                [RequestIds.ClientTraceId, .. options.Propagation.ForwardedHeaders.Where(h => !own.Contains(h)).Distinct(StringComparer.OrdinalIgnoreCase)],
        };
    }

    // https://opentelemetry.io/docs/specs/semconv/resource/
    public static Resource CreateResource(MeshTracingOptions options, string applicationName, ResourceDetection detection, string? environment)
    {
        var declared = options.ResourceAttributes;
        var attributes = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["service.name"] = GetServiceName(options, applicationName),
            ["telemetry.sdk.name"] = "Tracing.Sdk",
            ["telemetry.sdk.language"] = "dotnet",
            ["telemetry.sdk.version"] = SdkVersion.Text,
        };
        foreach (var (key, value) in detection.Detect(environment)) attributes[key] = value;
        foreach (var (key, value) in declared)
        {
            if (key.Length == 0 || key == "service.name") continue;
            if (value.Length > 0) attributes[key] = value;
            else attributes.Remove(key);
        }

        return new Resource([.. attributes]) { Declared = declared.Keys.ToHashSet(StringComparer.Ordinal) };
    }

    public static string GetServiceName(MeshTracingOptions options, string applicationName)
    {
        if (!string.IsNullOrWhiteSpace(options.ServiceName)) return options.ServiceName;
        if (options.ResourceAttributes.TryGetValue("service.name", out var declared) && declared.Length > 0) return declared;
        return applicationName.Length > 0 ? applicationName : $"unknown_service:{Process.GetCurrentProcess().ProcessName}";
    }
}
