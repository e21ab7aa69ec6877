using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Configuration;

/// <summary>Makes the options layer by layer: default, variables, section, then the code's Configure and PostConfigure. Each value knows its layer afterwards.</summary>
/// <param name="configuration">The application's configuration; null for the environment variables alone.</param>
/// <param name="configures">The code.</param>
/// <param name="postConfigures">The code that runs after all other code.</param>
/// <param name="validators">Further checks by the application.</param>
/// <param name="logger">Gives the log for a reload that fails.</param>
internal sealed class MeshTracingOptionsFactory(
    IConfiguration? configuration,
    IEnumerable<IConfigureOptions<MeshTracingOptions>> configures,
    IEnumerable<IPostConfigureOptions<MeshTracingOptions>> postConfigures,
    IEnumerable<IValidateOptions<MeshTracingOptions>> validators,
    Func<ILogger> logger) : IOptionsFactory<MeshTracingOptions>
{
    private volatile MeshTracingOptions? _lastGood;

    // The reason that was logged last: IOptionsSnapshot makes options for each request.
    private string? _refused;

    /// <summary>Makes new options. When that fails after it has succeeded once, because the configuration was reloaded with a wrong value, the last good ones stay in force.</summary>
    /// <exception cref="OptionsValidationException">A value of the section or the code is wrong.</exception>
    public MeshTracingOptions Create(string name)
    {
        if (name != Options.DefaultName) return Make(name);
        try
        {
            _lastGood = Make(name);
            Volatile.Write(ref _refused, null);
            return _lastGood;
        }
        catch (Exception e) when (_lastGood is not null)
        {
            var reason = WrongSetting.Reason(e);
            if (Interlocked.Exchange(ref _refused, reason) != reason) Log.ReloadRefused(logger(), reason);
            return _lastGood;
        }
    }

    private MeshTracingOptions Make(string name)
    {
        var options = new MeshTracingOptions();
        var variables = new VariableLayer(options, ReadVariable);
        variables.Apply();
        if (configuration is not null) SectionLayer.Apply(configuration, options);
        variables.OverrideSampler();

        var before = Settings.All.Select(s => s.Text(options)).ToList();
        foreach (var configure in configures)
        {
            if (configure is IConfigureNamedOptions<MeshTracingOptions> named) named.Configure(name, options);
            else if (name == Options.DefaultName) configure.Configure(options);
        }

        foreach (var postConfigure in postConfigures) postConfigure.PostConfigure(name, options);
        foreach (var (setting, text) in Settings.All.Zip(before))
        {
            if (setting.Text(options) != text) options.Origins[setting.Name] = SettingOrigins.Code;
        }

        variables.OverrideSampler();
        var warnings = SettingValidation.Validate(options, variables);
        options.Origins.Warnings = [.. variables.Warnings(), .. warnings];

        var failures = validators.Select(v => v.Validate(name, options)).Where(r => r.Failed).SelectMany(r => r.Failures ?? []).ToList();
        return failures.Count == 0 ? options : throw new OptionsValidationException(name, typeof(MeshTracingOptions), failures);
    }

    private string? ReadVariable(string name) => (configuration?[name] is { Length: > 0 } text ? text : Environment.GetEnvironmentVariable(name))?.Trim();
}
