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
        var ratio = (o.SamplingRatio * 100).ToString("0.####", CultureInfo.InvariantCulture);
        var parts = new List<string>
        {
            $"service {ShownText.Line(tracing.ServiceName)} ({NameOrigin(o, settings)})",
            $"records {ratio} % of {(o.FollowParentDecision ? "new" : "all")} traces ({From(nameof(o.SamplingRatio))})",
            $"formats {string.Join('+', o.Propagators)} ({From(nameof(o.Propagators))})",
            $"exports {Destinations(o)} ({From(nameof(o.Exporters))})",
        };
        foreach (var setting in SettingTable.All)
        {
            var origin = From(setting.Name);
            if (origin != "default" && !Covered.Contains(setting.Name)) parts.Add($"{setting.Name} {ShownText.Line(setting.Read(o))} ({origin})");
        }

        Log.Started(logger, $"Tracing started: {string.Join(", ", parts)}.");
    }

    private static readonly HashSet<string> Covered =
    [
        nameof(MeshTracingOptions.Mode), nameof(MeshTracingOptions.ServiceName), nameof(MeshTracingOptions.SamplingRatio),
        nameof(MeshTracingOptions.Propagators), nameof(MeshTracingOptions.Exporters),
    ];

    private static string Destinations(MeshTracingOptions o)
    {
        var names = o.Exporters.Select(e => e.ToLowerInvariant() switch
        {
            "otlp" => $"otlp to {Read(nameof(o.OtlpEndpoint), o)}",
            "zipkin" => $"zipkin to {Read(nameof(o.ZipkinEndpoint), o)}",
            var other => other,
        });
        return o.Exporters.Count == 0 ? "none" : string.Join(" and ", names);
    }

    private static string Read(string setting, MeshTracingOptions o) => SettingTable.All.First(s => s.Name == setting).Read(o);

    private static string NameOrigin(MeshTracingOptions o, SettingsResolver settings) =>
        !string.IsNullOrWhiteSpace(o.ServiceName) ? settings.OriginOf(nameof(o.ServiceName))
        : o.ResourceAttributes.ContainsKey("service.name") ? settings.OriginOf(nameof(o.ResourceAttributes))
        : "host";
}
