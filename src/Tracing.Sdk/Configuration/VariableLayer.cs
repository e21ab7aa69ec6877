using System.Globalization;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>The <c>OTEL_*</c> variables. A wrong value counts as unset and leaves a warning: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/</summary>
internal sealed class VariableLayer(MeshTracingOptions options, Func<string, string?> read)
{
    private const string Sampler = "OTEL_TRACES_SAMPLER";
    private const string SamplerArgument = "OTEL_TRACES_SAMPLER_ARG";
    private static readonly Setting Ratio = Settings.Get("Sampling:Ratio");
    private static readonly Setting FollowParentDecision = Settings.Get("Sampling:FollowParentDecision");

    // In the order in which they were read. Which of them count is known after the section and the code are applied.
    private readonly List<(Setting Setting, string Fault, string Consequence)> _faults = [];

    public void Apply()
    {
        foreach (var setting in Settings.All)
        {
            // The first variable with a right value counts. An empty one counts as unset, as the OpenTelemetry specification requires.
            foreach (var variable in setting.Variables)
            {
                if (read(variable.Name) is { Length: > 0 } text && TryApply(setting, variable, text)) break;
            }
        }

        ApplySampler();
        options.Origins.ConfigFile = read("OTEL_CONFIG_FILE") is { Length: > 0 } file ? LogText.File(file) : null;
    }

    /// <summary>Takes back the sampler's variable when the section or the code has set one of its two options: it stands for both, so the other one has its default then.</summary>
    public void OverrideSampler()
    {
        var origins = options.Origins;
        Setting[] both = [Ratio, FollowParentDecision];
        if (!Array.Exists(both, s => !origins.IsDefault(s.Name) && !origins.IsVariable(s.Name))) return;
        var standard = new MeshTracingOptions();
        foreach (var setting in both)
        {
            if (!origins.IsVariable(setting.Name)) continue;
            setting.Set(options, setting.Parse(setting.Text(standard)));
            origins.Clear(setting.Name);
        }

        _faults.RemoveAll(f => f.Setting == Ratio);
    }

    /// <summary>Takes back the value of a variable that is wrong beside another setting.</summary>
    public void Refuse(Setting setting, string expected)
    {
        Fault(setting, options.Origins[setting.Name], setting.Show(setting.Read(options)), expected);
        options.Origins.Clear(setting.Name);
    }

    /// <summary>The sentences for values that are used and not overridden. One for each variable: OTEL_BSP_EXPORT_TIMEOUT holds for each exporter.</summary>
    public IEnumerable<string> Warnings() => _faults
        .Where(f => IsUsed(options, f.Setting.Use) && (f.Setting.IsPairs || options.Origins.IsDefault(f.Setting.Name) || options.Origins.IsVariable(f.Setting.Name)))
        .GroupBy(f => (f.Fault, f.Consequence))
        .Select(g => $"{g.Key.Fault}. {g.Key.Consequence}: {string.Join(", ", g.Select(f => InForce(f.Setting)))}.");

    public static bool IsUsed(MeshTracingOptions options, SettingUse use) => options.Mode == MeshTracingMode.Record && use switch
    {
        SettingUse.Export => options.Export.Exporters.Any(e => !e.Equals("none", StringComparison.OrdinalIgnoreCase)),
        SettingUse.Otlp => options.Export.Exporters.Contains("otlp", StringComparer.OrdinalIgnoreCase),
        SettingUse.Zipkin => options.Export.Exporters.Contains("zipkin", StringComparer.OrdinalIgnoreCase),
        _ => true,
    };

    private bool TryApply(Setting setting, VariableAttribute variable, string text)
    {
        if (setting.Items is { } items)
        {
            var all = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var unknown = Array.FindAll(all, i => !items.Knows(i));
            if (unknown.Length > 0)
            {
                var names = LogText.Value(string.Join(", ", unknown));
                _faults.Add((setting, $"{variable.Name} names \"{names}\", but only {string.Join(", ", items.Known)} are known", "That is left out"));
            }

            if (unknown.Length == all.Length) return false;
            text = string.Join(',', all.Where(items.Knows));
        }

        try
        {
            var value = Parse(setting, variable, text);
            var trial = new MeshTracingOptions();
            setting.Set(trial, value);
            if (setting.IsValid(trial))
            {
                setting.Set(options, value);
                options.Origins[setting.Name] = variable.Name;
                return true;
            }
        }
        catch (Exception)
        {
            // Any exception: a variable never stops the start.
        }

        Fault(setting, variable.Name, setting.Show(text), variable.Expected ?? Expected(setting, variable));
        return false;
    }

    private static object Parse(Setting setting, VariableAttribute variable, string text)
    {
        if (setting.Type == typeof(TimeSpan)) return TimeSpan.FromMilliseconds(int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture));
        if (variable.Words.Count > 0) text = variable.Words.First(w => w.Word.Equals(text, StringComparison.OrdinalIgnoreCase)).Value;
        var value = setting.Parse(text);
        // The base URL keeps its own path: a collector behind a gateway. https://opentelemetry.io/docs/specs/otel/protocol/exporter/
        return variable.AppendedPath is { } path && value is Uri url ? new UriBuilder(url) { Path = url.AbsolutePath.TrimEnd('/') + path }.Uri : value;
    }

    private static string Expected(Setting setting, VariableAttribute variable) =>
        setting.Type == typeof(TimeSpan) ? "a number of milliseconds above 0, such as 1000"
        : variable.Words.Count > 0 ? string.Join(" or ", variable.Words.Select(w => w.Word))
        : setting.Expected;

    // Two variables, two options.
    private void ApplySampler()
    {
        if (read(Sampler) is not { Length: > 0 } sampler) return;
        const string parentBased = "parentbased_";
        var name = sampler.ToLowerInvariant();
        var followsParent = name.StartsWith(parentBased, StringComparison.Ordinal);
        var ratio = 1.0;
        switch (followsParent ? name[parentBased.Length..] : name)
        {
            case "always_on":
                break;
            case "always_off":
                ratio = 0;
                break;
            case "traceidratio":
                if (read(SamplerArgument) is not { Length: > 0 } argument) break;
                if (double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1) ratio = value;
                else Fault(Ratio, SamplerArgument, LogText.Value(argument), Ratio.Expected);
                break;
            default:
                Fault(
                    Ratio, Sampler, LogText.Value(sampler),
                    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio");
                return;
        }

        (options.Sampling.Ratio, options.Sampling.FollowParentDecision) = (ratio, followsParent);
        options.Origins[Ratio.Name] = Sampler;
        options.Origins[FollowParentDecision.Name] = Sampler;
    }

    private string InForce(Setting setting)
    {
        var value = LogText.Line(setting.Read(options));
        return $"{setting.Name} is {(value.Length == 0 ? "not set" : value)} ({options.Origins[setting.Name]})";
    }

    private void Fault(Setting setting, string variable, string shown, string expected) =>
        _faults.Add((setting, $"{variable} is \"{shown}\" but must be {expected}", "It is ignored"));
}
