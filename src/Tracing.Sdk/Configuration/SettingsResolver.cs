using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Export;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Configuration;

/// <summary>Default, then variable, then section, then code: who said what, and a sentence for whoever said something wrong.</summary>
internal sealed class SettingsResolver
{
    public const string SectionName = "MeshTracing";

    private const string Hidden = "(hidden)";

    private static readonly string[] KnownPropagators = ["tracecontext", "baggage", "b3", "b3multi", "none"];
    private static readonly string[] KnownExporters = ["otlp", "zipkin", "console", "none"];

    private readonly Dictionary<string, string> _origins = [];
    // As somebody wrote it, to be quoted when it is wrong.
    private readonly Dictionary<string, string> _texts = [];

    public MeshTracingOptions Options { get; } = new();

    /// <summary>The file of OpenTelemetry's declarative configuration that somebody hopes we read; null when nobody does.</summary>
    public string? ConfigFile { get; private set; }

    /// <param name="configuration">The host's configuration; null for the environment variables alone.</param>
    /// <param name="configure">What the code says.</param>
    /// <exception cref="OptionsValidationException">A value is wrong. The message is one sentence that names the setting, the value and the fix.</exception>
    public static SettingsResolver Resolve(IConfiguration? configuration, IEnumerable<Action<MeshTracingOptions>> configure)
    {
        var resolver = new SettingsResolver();
        resolver.ApplyVariables(name => configuration?[name] is { Length: > 0 } value ? value : Environment.GetEnvironmentVariable(name));
        if (configuration is not null) resolver.ApplySection(configuration.GetSection(SectionName));
        resolver.ApplyCode(configure);
        resolver.Validate();
        return resolver;
    }

    /// <summary>Where the value of a setting came from: <c>code</c>, <c>MeshTracing</c>, the name of a variable, or <c>default</c>.</summary>
    public string OriginOf(string setting) => _origins.GetValueOrDefault(setting, "default");

    /// <summary>The name under which a person changes a setting: that of what has set it, or of what can.</summary>
    public string NameInForce(string setting)
    {
        var name = $"{SectionName}:{setting}";
        return OriginOf(setting) switch
        {
            SectionName => name,
            "code" => $"{nameof(MeshTracingOptions)}.{setting} in the code",
            "default" => SettingTable.All.First(s => s.Name == setting).Variables is { Count: > 0 } variables
                ? (variables.FirstOrDefault(v => !v.Name.Contains("_TRACES_", StringComparison.Ordinal)) ?? variables[0]).Name
                : name,
            var variable => variable,
        };
    }

    private void ApplyVariables(Func<string, string?> read)
    {
        foreach (var setting in SettingTable.All)
        {
            foreach (var variable in setting.Variables)
            {
                // An empty variable counts as unset, says the OpenTelemetry specification.
                if (read(variable.Name)?.Trim() is not { Length: > 0 } value) continue;
                Apply(variable.Name, value, setting, variable.Apply ?? setting.Apply, variable.Expected ?? setting.Expected, variable.Name);
                break;
            }
        }

        ApplySampler(read);
        ConfigFile = read("OTEL_CONFIG_FILE")?.Trim() is { Length: > 0 } file ? file : null;
    }

    // Two variables, two options: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    private void ApplySampler(Func<string, string?> read)
    {
        const string variable = "OTEL_TRACES_SAMPLER";
        const string argument = "OTEL_TRACES_SAMPLER_ARG";
        if (read(variable)?.Trim() is not { Length: > 0 } sampler) return;
        var name = sampler.ToLowerInvariant();
        const string parentBased = "parentbased_";
        Options.FollowParentDecision = name.StartsWith(parentBased, StringComparison.Ordinal);
        switch (Options.FollowParentDecision ? name[parentBased.Length..] : name)
        {
            case "always_on":
                Options.SamplingRatio = 1;
                break;
            case "always_off":
                Options.SamplingRatio = 0;
                break;
            case "traceidratio":
                Options.SamplingRatio = 1;
                if (read(argument)?.Trim() is { Length: > 0 } ratio)
                {
                    Options.SamplingRatio = double.TryParse(ratio, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1
                        ? value
                        : throw Wrong(argument, ratio, "a number from 0 to 1, such as 0.1");
                }

                break;
            default:
                throw Wrong(variable, sampler, "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio");
        }

        _origins[nameof(Options.SamplingRatio)] = _origins[nameof(Options.FollowParentDecision)] = variable;
    }

    private void ApplySection(IConfigurationSection section)
    {
        foreach (var child in section.GetChildren())
        {
            var setting = SettingTable.All.FirstOrDefault(s => s.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (setting is null)
            {
                throw new OptionsValidationException(SectionName, typeof(MeshTracingOptions),
                    [$"Tracing cannot start: {SectionName}:{child.Key} is no setting; did you mean {Nearest(child.Key)}?"]);
            }

            if (TextOf(child) is { Length: > 0 } value) Apply($"{SectionName}:{setting.Name}", value, setting, setting.Apply, setting.Expected, SectionName);
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
        var before = SettingTable.All.Select(s => s.Read(Options)).ToArray();
        foreach (var action in configure) action(Options);
        for (var i = 0; i < before.Length; i++)
        {
            var setting = SettingTable.All[i];
            if (setting.Read(Options) == before[i]) continue;
            _origins[setting.Name] = "code";
            _texts.Remove(setting.Name);
        }
    }

    private void Apply(
        string name, string value, Setting setting, Action<MeshTracingOptions, string> apply, string expected, string origin)
    {
        try
        {
            apply(Options, value);
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException or UriFormatException)
        {
            throw Wrong(name, Shown(setting, value), expected);
        }

        _origins[setting.Name] = origin;
        _texts[setting.Name] = value;
    }

    private void Validate()
    {
        // A list from code may hold anything.
        (IList<string> List, string Name)[] lists =
        [
            (Options.Sources, nameof(Options.Sources)), (Options.IgnoredSources, nameof(Options.IgnoredSources)),
            (Options.Propagators, nameof(Options.Propagators)), (Options.TrustRules, nameof(Options.TrustRules)),
            (Options.ForwardedHeaders, nameof(Options.ForwardedHeaders)), (Options.PropagateTo, nameof(Options.PropagateTo)),
            (Options.DoNotPropagateTo, nameof(Options.DoNotPropagateTo)), (Options.BaggageTo, nameof(Options.BaggageTo)),
            (Options.BaggageKeys, nameof(Options.BaggageKeys)), (Options.Exporters, nameof(Options.Exporters)),
        ];
        foreach (var (list, name) in lists) Require(!list.Any(string.IsNullOrWhiteSpace), name);

        Require(Enum.IsDefined(Options.Mode), nameof(Options.Mode));
        Require(Enum.IsDefined(Options.Trust), nameof(Options.Trust));
        Require(Enum.IsDefined(Options.OtlpProtocol), nameof(Options.OtlpProtocol));
        Require((Options.ResponseHeader & ~(TraceResponseHeader.ServerTiming | TraceResponseHeader.TraceId)) == 0, nameof(Options.ResponseHeader));
        Require(!Options.ResourceAttributes.Values.Contains(null!), nameof(Options.ResourceAttributes));
        Require(Options.SamplingRatio is >= 0 and <= 1, nameof(Options.SamplingRatio));
        Require(Options.Propagators.All(p => KnownPropagators.Contains(p, StringComparer.OrdinalIgnoreCase)), nameof(Options.Propagators));
        Require(Options.Exporters.All(e => KnownExporters.Contains(e, StringComparer.OrdinalIgnoreCase)), nameof(Options.Exporters));
        Require(IsHeaderName(Options.EnvoyHeaderPrefix), nameof(Options.EnvoyHeaderPrefix));
        Require(Options.ForwardedHeaders.All(h => IsHeaderName(h) && !HopHeaders.Contains(h, Options.EnvoyHeaderPrefix)), nameof(Options.ForwardedHeaders));
        Require(Options.MaxForcedTracesPerSecond is null or >= 1, nameof(Options.MaxForcedTracesPerSecond));
        Require(IsHttp(Options.OtlpEndpoint), nameof(Options.OtlpEndpoint));
        Require(IsHttp(Options.ZipkinEndpoint), nameof(Options.ZipkinEndpoint));
        Require(Options.OtlpHeaders.All(h => IsHeaderName(h.Key) && h.Value is not null && HeaderText.IsSafe(h.Value)), nameof(Options.OtlpHeaders));
        Require(IsTime(Options.OtlpTimeout), nameof(Options.OtlpTimeout));
        Require(IsTime(Options.ZipkinTimeout), nameof(Options.ZipkinTimeout));
        Require(IsTime(Options.ExportInterval), nameof(Options.ExportInterval));
        Require(Options.MaxExportBatchSize >= 1, nameof(Options.MaxExportBatchSize));
        Require(Options.MaxQueueSize is null or >= 1, nameof(Options.MaxQueueSize));
        Require(Options.MaxBufferBytes >= 1024 * 1024, nameof(Options.MaxBufferBytes));
        Require(Options.MaxAttributes >= 0, nameof(Options.MaxAttributes));
        Require(Options.MaxEvents >= 0, nameof(Options.MaxEvents));
        Require(Options.MaxLinks >= 0, nameof(Options.MaxLinks));
        Require(Options.MaxEventAttributes >= 0, nameof(Options.MaxEventAttributes));
        Require(Options.MaxLinkAttributes >= 0, nameof(Options.MaxLinkAttributes));
        Require(Options.MaxAttributeLength is null or >= 0, nameof(Options.MaxAttributeLength));
        RequireParses(Certificate(Options.OtlpCertificateFile), nameof(Options.OtlpCertificateFile));
        RequireParses(Certificate(Options.OtlpClientCertificateFile), nameof(Options.OtlpClientCertificateFile));
        RequireParses(ClientCertificate, nameof(Options.OtlpClientKeyFile));
        RequireParses(() => new HostPatterns(Options.PropagateTo), nameof(Options.PropagateTo));
        RequireParses(() => new HostPatterns(Options.DoNotPropagateTo), nameof(Options.DoNotPropagateTo));
        RequireParses(() => new HostPatterns(Options.BaggageTo), nameof(Options.BaggageTo));
        RequireParses(() => new TrustPolicy(Options.Trust, Options.TrustRules, Options.EnvoyHeaderPrefix), nameof(Options.TrustRules));
    }

    private void RequireParses(Func<object?> parse, string name)
    {
        try
        {
            _ = parse();
        }
        catch (Exception e) when (e is FormatException or CryptographicException or IOException or UnauthorizedAccessException)
        {
            Require(false, name);
        }
    }

    private void Require(bool condition, string name)
    {
        if (condition) return;
        var setting = SettingTable.All.First(s => s.Name == name);
        var origin = OriginOf(name);
        var shown = origin is "code" or "default" or SectionName ? $"{SectionName}:{name}" : origin;
        var variable = setting.Variables.FirstOrDefault(v => v.Name == origin);
        var text = Shown(setting, _texts.GetValueOrDefault(name) ?? setting.Read(Options));
        throw Wrong(shown, text, variable?.Expected ?? setting.Expected);
    }

    private static Func<object?> Certificate(string? file) => () =>
    {
        if (file is null) return null;
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        return certificates.Count > 0 ? certificates : throw new FormatException();
    };

    // The key is in its own file, or in that of the certificate.
    private X509Certificate2? ClientCertificate()
    {
        if (Options.OtlpClientKeyFile is not null && Options.OtlpClientCertificateFile is null) Require(false, nameof(Options.OtlpClientCertificateFile));
        return Options.OtlpClientCertificateFile is { } file ? X509Certificate2.CreateFromPemFile(file, Options.OtlpClientKeyFile) : null;
    }

    private static OptionsValidationException Wrong(string name, string value, string expected) =>
        new(SectionName, typeof(MeshTracingOptions), [$"Tracing cannot start: {name} is \"{value}\" but must be {expected}."]);

    private static string Shown(Setting setting, string value) => setting switch
    {
        { IsSecret: true } => Hidden,
        { IsUrl: true } => EndpointText.Format(value),
        _ => value,
    };

    private static bool IsHttp(Uri? uri) => uri is { IsAbsoluteUri: true } && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);

    private static bool IsTime(TimeSpan time) => time > TimeSpan.Zero && time <= TimeSpan.FromDays(1);

    private static bool IsHeaderName(string? name) =>
        !string.IsNullOrEmpty(name) && name.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));

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
