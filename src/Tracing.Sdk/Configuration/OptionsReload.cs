using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>Logs what a reload has changed. Not thread-safe.</summary>
internal sealed class OptionsReload
{
    private readonly MeshTracingOptions _atStart;
    private readonly ILogger _logger;

    public OptionsReload(MeshTracingOptions atStart, ILogger logger) => (_atStart, Current, _logger) = (atStart, atStart, logger);

    /// <summary>The options of the last reload.</summary>
    public MeshTracingOptions Current { get; private set; }

    /// <summary>Takes the options of a reload, and writes one line for what is in force now and one for what is not. A change of an option that nothing reads is not logged.</summary>
    public void LogChanges(MeshTracingOptions options)
    {
        var changed = Settings.All.Where(s => s.Text(options) != s.Text(Current) && (VariableLayer.IsUsed(_atStart, s.Use) || s.Name == nameof(MeshTracingOptions.Mode))).ToList();
        Current = options;
        var inForce = changed.Where(s => s.IsReloadable).Select(s => Show(s, options)).ToList();
        if (inForce.Count > 0) Log.Reloaded(_logger, string.Join(", ", inForce));
        var later = changed.Where(s => !s.IsReloadable && s.Text(options) != s.Text(_atStart)).Select(s => s.Name).ToList();
        if (later.Count > 0) Log.ReloadedAtNextStart(_logger, string.Join(", ", later));
    }

    private static string Show(Setting setting, MeshTracingOptions options) =>
        $"{setting.Name} {(LogText.Line(setting.Read(options)) is { Length: > 0 } value ? value : "none")} ({options.Origins[setting.Name]})";
}
