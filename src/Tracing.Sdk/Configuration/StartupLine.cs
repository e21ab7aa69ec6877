using System.Globalization;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>One line at the start that says what is in force and who said so.</summary>
internal static class StartupLine
{
    public static void Write(ILogger logger, SettingsResolver settings, MeshTracing tracing)
    {
        if (!logger.IsEnabled(LogLevel.Information)) return;
        var o = settings.Options;
        if (o.Mode == MeshTracingMode.Forward)
        {
            Log.Started(logger, $"Tracing forwards headers and records nothing ({settings.OriginOf(nameof(o.Mode))}).");
            return;
        }

        string From(string setting) => settings.OriginOf(setting);
        var ratio = (o.Sampling.Ratio * 100).ToString("0.####", CultureInfo.InvariantCulture);
        var parts = new List<string>
        {
            $"service {LogText.Line(tracing.ServiceName)} ({NameOrigin(o, settings)})",
            $"records {ratio} % of {(o.Sampling.FollowParentDecision ? "new" : "all")} traces ({From("Sampling:Ratio")})",
            $"formats {string.Join('+', o.Propagation.Formats)} ({From("Propagation:Formats")})",
            $"exports {Destinations(o)} ({From("Export:Exporters")})",
        };
        foreach (var setting in SettingTable.All)
        {
            var origin = From(setting.Name);
            if (origin != "default" && !Covered.Contains(setting.Name)) parts.Add($"{setting.Name} {LogText.Line(setting.Read(o))} ({origin})");
        }

        Log.Started(logger, $"Tracing started: {string.Join(", ", parts)}.");
    }

    private static readonly HashSet<string> Covered =
    [
        nameof(MeshTracingOptions.Mode), nameof(MeshTracingOptions.ServiceName), "Sampling:Ratio",
        "Propagation:Formats", "Export:Exporters",
    ];

    private static string Destinations(MeshTracingOptions o)
    {
        var names = o.Export.Exporters.Select(e => e.ToLowerInvariant() switch
        {
            "otlp" => $"otlp to {Read("Export:Otlp:Endpoint", o)}",
            "zipkin" => $"zipkin to {Read("Export:Zipkin:Endpoint", o)}",
            var other => other,
        });
        return o.Export.Exporters.Count == 0 ? "none" : string.Join(" and ", names);
    }

    private static string Read(string setting, MeshTracingOptions o) => SettingTable.All.First(s => s.Name == setting).Read(o);

    private static string NameOrigin(MeshTracingOptions o, SettingsResolver settings) =>
        !string.IsNullOrWhiteSpace(o.ServiceName) ? settings.OriginOf(nameof(o.ServiceName))
        : o.ResourceAttributes.ContainsKey("service.name") ? settings.OriginOf(nameof(o.ResourceAttributes))
        : "host";
}
