using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>The options since the last reload. Any thread reads them, one at a time changes them.</summary>
internal sealed class OptionsInForce
{
    private readonly MeshTracingOptions _atStart;
    private readonly ILogger _logger;
    private volatile MeshTracingOptions _current;

    /// <param name="atStart">The options at the start.</param>
    /// <param name="logger">Gets a line for each change.</param>
    public OptionsInForce(MeshTracingOptions atStart, ILogger logger) => (_atStart, _current, _logger) = (atStart, atStart, logger);

    public MeshTracingOptions Current => _current;

    /// <summary>Takes the options of a reload, and writes one line for what is in force now and one for what is not. A change of an option that nothing reads is not logged.</summary>
    public void Change(MeshTracingOptions options)
    {
        var changed = Settings.All.Where(s => s.Text(options) != s.Text(Current) && (VariableLayer.IsUsed(_atStart, s.Use) || s.Name == nameof(MeshTracingOptions.Mode))).ToList();
        _current = options;
        var inForce = changed.Where(s => s.IsReloadable).Select(s => Show(s, options)).ToList();
        if (inForce.Count > 0) Log.Reloaded(_logger, string.Join(", ", inForce));
        var later = changed.Where(s => !s.IsReloadable && s.Text(options) != s.Text(_atStart)).Select(s => s.Name).ToList();
        if (later.Count > 0) Log.ReloadedAtNextStart(_logger, string.Join(", ", later));
    }

    private static string Show(Setting setting, MeshTracingOptions options) =>
        $"{setting.Name} {(LogText.Line(setting.Read(options)) is { Length: > 0 } value ? value : "none")} ({options.Origins[setting.Name]})";
}
