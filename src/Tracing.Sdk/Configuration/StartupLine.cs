using System.Globalization;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>One line at the start that tells what is in force and which layer said so. A setting without words of its own in it is named when it is not the default.</summary>
internal static class StartupLine
{
    public static void Write(ILogger logger, MeshTracingOptions options, string serviceName)
    {
        if (!logger.IsEnabled(LogLevel.Information)) return;
        if (options.Mode == MeshTracingMode.Forward)
        {
            Log.Started(logger, $"Tracing forwards headers and records nothing ({options.Origins["Mode"]}).");
            return;
        }

        Log.Started(logger, $"Tracing started: {string.Join(", ", GetParts(options, serviceName))}.");
        if (!options.Export.Exporters.Any(e => !e.Equals("none", StringComparison.OrdinalIgnoreCase))) Log.NoExporter(logger, options.Origins.NameInForce("Export:Exporters"));
    }

    /// <summary>What is in force, with the layer that said so in parentheses. Without secrets.</summary>
    public static IReadOnlyList<string> GetParts(MeshTracingOptions options, string serviceName)
    {
        var told = new HashSet<string>();
        string From(string setting)
        {
            told.Add(setting);
            return $"({options.Origins[setting]})";
        }

        var nameOrigin = !string.IsNullOrWhiteSpace(options.ServiceName) ? From("ServiceName")
            : options.ResourceAttributes.ContainsKey("service.name") ? $"({options.Origins["ResourceAttributes"]})"
            : "(host)";
        var ratio = (options.Sampling.Ratio * 100).ToString("0.####", CultureInfo.InvariantCulture);
        var exporters = options.Export.Exporters.Select(e => e.ToLowerInvariant()).ToList();
        var parts = new List<string>
        {
            $"service {LogText.Line(serviceName)} {nameOrigin}",
            $"records {ratio} % of {(options.Sampling.FollowParentDecision ? "new" : "all")} traces {From("Sampling:Ratio")}",
            $"formats {(options.Propagation.Formats.Count == 0 ? "none" : string.Join('+', options.Propagation.Formats))} {From("Propagation:Formats")}",
            $"exports {(exporters.Count == 0 ? "none" : string.Join('+', exporters))} {From("Export:Exporters")}",
        };
        if (exporters.Contains("otlp")) parts.Add(OtlpPart(options.Export.Otlp));
        if (exporters.Contains("zipkin")) parts.Add($"zipkin to {LogText.Url(options.Export.Zipkin.Endpoint)} {From("Export:Zipkin:Endpoint")}");
        if (options.Ignore.HealthChecks) parts.Add($"ignores health checks {From("Ignore:HealthChecks")}");
        if (options.Ignore.BackgroundPolls) parts.Add($"ignores background polls {From("Ignore:BackgroundPolls")}");
        foreach (var setting in Settings.All)
        {
            if (!options.Origins.IsDefault(setting.Name) && !told.Contains(setting.Name)) parts.Add($"{setting.Name} {LogText.Line(setting.Read(options))} {From(setting.Name)}");
        }

        return parts;

        // The protocol is named where it is not that of the default.
        string OtlpPart(OtlpOptions otlp)
        {
            var isGrpc = otlp.ProtocolInForce == OtlpProtocol.Grpc;
            if (isGrpc) told.Add("Export:Otlp:Protocol");
            return $"otlp{(isGrpc ? " over gRPC" : "")} to {LogText.Url(otlp.EndpointInForce)} {From("Export:Otlp:Endpoint")}";
        }
    }
}
