using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>
/// Default, then variable, then section, then code, each value with its origin. A wrong value in the section or the code fails with one
/// sentence. A wrong value in a variable counts as unset and leaves a warning: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
/// </summary>
internal sealed class SettingsResolver
{
    public const string SectionName = "MeshTracing";

    private const string Default = "default";
    private const string Code = "code";
    private const string Sampler = "OTEL_TRACES_SAMPLER";
    private const string SamplerArgument = "OTEL_TRACES_SAMPLER_ARG";

    private readonly Dictionary<string, string> _origins = [];

    // As it was written, to be quoted when it is wrong.
    private readonly Dictionary<string, string> _texts = [];

    // Of variables, in the order in which they were read. Which of them count is known after the section and the code are applied.
    private readonly List<(Setting Setting, string Fault, string Consequence)> _faults = [];
    private readonly List<string> _warnings = [];

    public MeshTracingOptions Options { get; } = new();

    /// <summary>The file of OpenTelemetry's declarative configuration that a variable names; null when none does.</summary>
    public string? ConfigFile { get; private set; }

    /// <summary>One sentence for each variable with a value that does not count, although the setting is used and nothing overrides it.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <param name="configuration">The host's configuration; null for the environment variables alone.</param>
    /// <param name="configure">What the code says.</param>
    /// <exception cref="OptionsValidationException">A value of the section or the code is wrong. The message is one sentence that names the setting, the value and the fix.</exception>
    public static SettingsResolver Resolve(IConfiguration? configuration, IEnumerable<Action<MeshTracingOptions>> configure)
    {
        var resolver = new SettingsResolver();
        resolver.ApplyVariables(name => (configuration?[name] is { Length: > 0 } value ? value : Environment.GetEnvironmentVariable(name))?.Trim());
        if (configuration is not null) resolver.ApplySection(configuration.GetSection(SectionName));
        resolver.ApplyCode(configure);
        resolver.Validate();
        resolver.Warn();
        return resolver;
    }

    /// <summary>Where the value of a setting came from: <c>code</c>, <c>MeshTracing</c>, the name of a variable, or <c>default</c>.</summary>
    public string OriginOf(string setting) => _origins.GetValueOrDefault(setting, Default);

    /// <summary>The name under which to change a setting: that of the variable, section or property that has set it, or of one that can.</summary>
    public string NameInForce(string setting)
    {
        var name = $"{SectionName}:{setting}";
        return OriginOf(setting) switch
        {
            SectionName => name,
            Code => $"{nameof(MeshTracingOptions)}.{setting.Replace(':', '.')} in the code",
            Default => SettingTable.All.First(s => s.Name == setting).Variables is { Count: > 0 } variables
                ? (variables.FirstOrDefault(v => !v.Name.Contains("_TRACES_", StringComparison.Ordinal)) ?? variables[0]).Name
                : name,
            var variable => variable,
        };
    }

    private void ApplyVariables(Func<string, string?> read)
    {
        foreach (var setting in SettingTable.All)
        {
            // The first variable with a right value counts. An empty one counts as unset, as the OpenTelemetry specification requires.
            foreach (var variable in setting.Variables)
            {
                if (read(variable.Name) is { Length: > 0 } value && TryApply(setting, variable, value)) break;
            }
        }

        ApplySampler(read);
        ConfigFile = read("OTEL_CONFIG_FILE") is { Length: > 0 } file ? LogText.File(file) : null;
    }

    private bool TryApply(Setting setting, Variable variable, string value)
    {
        if (variable.KnownItems is { } known)
        {
            var items = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            var unknown = items.Where(i => !known.Contains(i, StringComparer.OrdinalIgnoreCase)).ToList();
            if (unknown.Count > 0)
            {
                var names = LogText.Value(string.Join(", ", unknown));
                _faults.Add((setting, $"{variable.Name} names \"{names}\", but only {string.Join(", ", known)} are known", "That is left out"));
            }

            if (unknown.Count == items.Length) return false;
            value = string.Join(',', items.Where(i => !unknown.Contains(i)));
        }

        var apply = variable.Apply ?? setting.Apply;
        try
        {
            // Not on the options themselves: a list may be half filled when its text turns out to be wrong.
            var trial = new MeshTracingOptions();
            apply(trial, value);
            if (setting.IsValid(trial))
            {
                apply(Options, value);
                _origins[setting.Name] = variable.Name;
                return true;
            }
        }
        catch (Exception)
        {
            // Any exception: a variable never stops the start.
        }

        Fault(setting, variable.Name, setting.Show(value), variable.Expected ?? setting.Expected);
        return false;
    }

    // Two variables, two options.
    private void ApplySampler(Func<string, string?> read)
    {
        if (read(Sampler) is not { Length: > 0 } sampler) return;
        var setting = SettingOf("Sampling:Ratio");
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
                else Fault(setting, SamplerArgument, LogText.Value(argument), setting.Expected);
                break;
            default:
                Fault(
                    setting, Sampler, LogText.Value(sampler),
                    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio");
                return;
        }

        (Options.Sampling.Ratio, Options.Sampling.FollowParentDecision) = (ratio, followsParent);
        _origins["Sampling:Ratio"] = _origins["Sampling:FollowParentDecision"] = Sampler;
    }

    // The variable is one setting with two options: where the section or the code sets one of them, the other has its default.
    private void OverrideSampler()
    {
        var standard = new MeshTracingOptions();
        if (OriginOf("Sampling:Ratio") == Sampler) Options.Sampling.Ratio = standard.Sampling.Ratio;
        if (OriginOf("Sampling:FollowParentDecision") == Sampler) Options.Sampling.FollowParentDecision = standard.Sampling.FollowParentDecision;
        foreach (var name in new[] { "Sampling:Ratio", "Sampling:FollowParentDecision" })
        {
            if (OriginOf(name) == Sampler) _origins.Remove(name);
        }

        _faults.RemoveAll(f => f.Setting.Name == "Sampling:Ratio");
    }

    private void ApplySection(IConfigurationSection section, string prefix = "")
    {
        foreach (var child in section.GetChildren())
        {
            var name = prefix + child.Key;
            var setting = SettingTable.All.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (setting is null)
            {
                if (child.Value is null && SettingTable.All.Any(s => s.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)))
                {
                    ApplySection(child, name + ":");
                    continue;
                }

                throw new OptionsValidationException(SectionName, typeof(MeshTracingOptions),
                    [$"Tracing cannot start: {SectionName}:{LogText.Line(name)} is no setting; did you mean {Nearest(name)}?"]);
            }

            if (TextOf(child) is not { Length: > 0 } value) continue;
            if (IsSampler(setting)) OverrideSampler();
            try
            {
                setting.Apply(Options, value);
            }
            catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
            {
                throw Wrong($"{SectionName}:{setting.Name}", setting.Show(value), setting.Expected);
            }

            _origins[setting.Name] = SectionName;
            _texts[setting.Name] = value;
        }
    }

    // A list may be written as an array or with commas, pairs as an object or with commas.
    private static string TextOf(IConfigurationSection section)
    {
        if (section.Value is { } value) return value.Trim();
        return string.Join(',', section.GetChildren().Select(c => int.TryParse(c.Key, out _)
            ? c.Value
            : $"{Uri.EscapeDataString(c.Key)}={Uri.EscapeDataString(c.Value ?? "")}"));
    }

    private void ApplyCode(IEnumerable<Action<MeshTracingOptions>> configure)
    {
        Options.ClearAssigned();
        var before = SettingTable.All.Select(ContentOf).ToArray();
        foreach (var action in configure) action(Options);
        var assigned = Options.AllAssigned;
        for (var i = 0; i < before.Length; i++)
        {
            var setting = SettingTable.All[i];
            if (!assigned.Contains(setting.Name) && ContentOf(setting) == before[i]) continue;
            _origins[setting.Name] = Code;
            _texts.Remove(setting.Name);
        }

        if (_origins.Any(o => o.Value == Code && IsSampler(SettingOf(o.Key)))) OverrideSampler();
    }

    // Lists and pairs are changed in place, so their content is compared. Setting.Read shows no values of headers.
    private string ContentOf(Setting setting) => setting.Name switch
    {
        "Export:Otlp:Headers" => string.Join('\n', Options.Export.Otlp.Headers),
        nameof(MeshTracingOptions.ResourceAttributes) => string.Join('\n', Options.ResourceAttributes),
        _ => setting.Read(Options),
    };

    private void Validate()
    {
        foreach (var setting in SettingTable.All)
        {
            if (!IsByVariable(setting.Name)) Require(setting.IsValid(Options), setting.Name);
        }

        ValidateClientCertificate();
        ValidateBatch();
    }

    private void ValidateClientCertificate()
    {
        const string certificate = "Export:Otlp:ClientCertificateFile";
        const string key = "Export:Otlp:ClientKeyFile";
        var isShared = IsByVariable(certificate) || IsByVariable(key);
        if ((isShared && !IsUsed(SettingUse.Otlp)) || SettingTable.IsClientCertificate(Options.Export.Otlp.ClientCertificateFile, Options.Export.Otlp.ClientKeyFile)) return;
        if (isShared)
        {
            foreach (var (name, expected) in new[]
            {
                (certificate, $"the path of a PEM file with a certificate, and with its private key unless {key} names that"),
                (key, $"the path of a PEM file with the private key of {certificate}"),
            })
            {
                if (!IsByVariable(name)) continue;
                var setting = SettingOf(name);
                Fault(setting, OriginOf(name), LogText.File(setting.Read(Options)), expected);
                _origins.Remove(name);
            }

            if (OriginOf(certificate) == Default) Options.Export.Otlp.ClientCertificateFile = null;
            if (OriginOf(key) == Default) Options.Export.Otlp.ClientKeyFile = null;
        }

        // As if the variables were not set: what is left is the service's own.
        Require(Options.Export.Otlp.ClientKeyFile is null || Options.Export.Otlp.ClientCertificateFile is not null, certificate);
        Require(SettingTable.IsClientCertificate(Options.Export.Otlp.ClientCertificateFile, Options.Export.Otlp.ClientKeyFile), key);
    }

    private void ValidateBatch()
    {
        const string batch = "Export:Batch:MaxSize";
        const string queue = "Export:Batch:MaxQueueSize";
        if (Options.Export.Batch.MaxQueueSize is not { } limit || Options.Export.Batch.MaxSize <= limit) return;
        if (IsByVariable(batch) || IsByVariable(queue))
        {
            if (IsUsed(SettingUse.Export))
            {
                _warnings.Add($"{SetAs(batch)} is {Options.Export.Batch.MaxSize}, more than {SetAs(queue)}, which is {limit}: one export holds {limit} spans at most.");
            }
        }
        else if (OriginOf(batch) != Default)
        {
            throw Wrong(SetAs(batch), Options.Export.Batch.MaxSize.ToString(CultureInfo.InvariantCulture), $"at most {queue}, which is {limit}");
        }

        Options.Export.Batch.MaxSize = limit;
    }

    private void Warn()
    {
        var counting = _faults.Where(f => IsUsed(f.Setting.Use) && (f.Setting.IsAddedTo || OriginOf(f.Setting.Name) is not (SectionName or Code)));
        // One line a variable: the time limit of OTEL_BSP_EXPORT_TIMEOUT holds for each exporter.
        _warnings.InsertRange(0, counting.GroupBy(f => (f.Fault, f.Consequence)).Select(g =>
            $"{g.Key.Fault}. {g.Key.Consequence}: {string.Join(", ", g.Select(f => InForce(f.Setting)))}."));
    }

    private string InForce(Setting setting)
    {
        var value = LogText.Line(setting.Read(Options));
        return $"{setting.Name} is {(value.Length == 0 ? "not set" : value)} ({OriginOf(setting.Name)})";
    }

    private bool IsUsed(SettingUse use) => use == SettingUse.Always || (Options.Mode == MeshTracingMode.Record && use switch
    {
        SettingUse.Export => Options.Export.Exporters.Any(e => !e.Equals("none", StringComparison.OrdinalIgnoreCase)),
        SettingUse.Otlp => Options.Export.Exporters.Contains("otlp", StringComparer.OrdinalIgnoreCase),
        SettingUse.Zipkin => Options.Export.Exporters.Contains("zipkin", StringComparer.OrdinalIgnoreCase),
        _ => true,
    });

    private bool IsByVariable(string setting) => OriginOf(setting) is not (Default or SectionName or Code);

    private static bool IsSampler(Setting setting) => setting.Name is "Sampling:Ratio" or "Sampling:FollowParentDecision";

    private static Setting SettingOf(string name) => SettingTable.All.First(s => s.Name == name);

    // The variable that set the setting, or its name in the section.
    private string SetAs(string setting) => IsByVariable(setting) ? OriginOf(setting) : $"{SectionName}:{setting}";

    private void Fault(Setting setting, string variable, string shown, string expected) =>
        _faults.Add((setting, $"{variable} is \"{shown}\" but must be {expected}", "It is ignored"));

    private void Require(bool condition, string name)
    {
        if (condition) return;
        var setting = SettingOf(name);
        throw Wrong($"{SectionName}:{name}", _texts.TryGetValue(name, out var text) ? setting.Show(text) : ShownIn(setting), setting.Expected);
    }

    private string ShownIn(Setting setting) => setting.Name switch
    {
        "Export:Otlp:Headers" => LogText.Hidden,
        nameof(MeshTracingOptions.ResourceAttributes) => LogText.Line(setting.Read(Options)),
        _ => setting.Show(setting.Read(Options)),
    };

    private static OptionsValidationException Wrong(string name, string shown, string expected) =>
        new(SectionName, typeof(MeshTracingOptions), [$"Tracing cannot start: {name} is \"{shown}\" but must be {expected}."]);

    private static string Nearest(string name) => SettingTable.All.MinBy(s => Distance(s.Name.ToLowerInvariant(), name.ToLowerInvariant()))!.Name;

    // Levenshtein, for a typing error in a configuration file.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(above, row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
