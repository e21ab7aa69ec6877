using System.Globalization;

namespace Tracing.Sdk.Configuration;

/// <summary>Checks all values when every layer is applied: each by itself, then those that must fit each other.</summary>
internal static class SettingValidation
{
    /// <returns>Warnings about numbers that fit only after a change.</returns>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A value of the section or the code is wrong. The message is one sentence that names the setting, the value and the fix.</exception>
    public static IReadOnlyList<string> Validate(MeshTracingOptions options, VariableLayer variables)
    {
        foreach (var setting in Settings.All)
        {
            // A variable was checked when it was read.
            if (!options.Origins.IsVariable(setting.Name)) Require(setting.IsValid(options), setting, options);
        }

        ValidateClientCertificate(options, variables);
        return ValidateBatch(options) is { } warning ? [warning] : [];
    }

    private static void ValidateClientCertificate(MeshTracingOptions options, VariableLayer variables)
    {
        var (certificate, key) = (Settings.Get("Export:Otlp:ClientCertificateFile"), Settings.Get("Export:Otlp:ClientKeyFile"));
        var (origins, otlp) = (options.Origins, options.Export.Otlp);
        var isShared = origins.IsVariable(certificate.Name) || origins.IsVariable(key.Name);
        if ((isShared && !VariableLayer.IsUsed(options, SettingUse.Otlp)) || PemFileAttribute.AreCertificateAndKey(otlp.ClientCertificateFile, otlp.ClientKeyFile)) return;
        if (origins.IsVariable(certificate.Name))
        {
            variables.Refuse(certificate, $"the path of a PEM file with a certificate, and with its private key unless {key.Name} names that");
            otlp.ClientCertificateFile = null;
        }

        if (origins.IsVariable(key.Name))
        {
            variables.Refuse(key, $"the path of a PEM file with the private key of {certificate.Name}");
            otlp.ClientKeyFile = null;
        }

        // As if the variables were not set: what is left is the service's own.
        Require(otlp.ClientKeyFile is null || otlp.ClientCertificateFile is not null, certificate, options);
        Require(PemFileAttribute.AreCertificateAndKey(otlp.ClientCertificateFile, otlp.ClientKeyFile), key, options);
    }

    // https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor
    private static string? ValidateBatch(MeshTracingOptions options)
    {
        const string size = "Export:Batch:MaxSize";
        const string queue = "Export:Batch:MaxQueueSize";
        var (origins, batch) = (options.Origins, options.Export.Batch);
        if (batch.MaxQueueSize is not { } limit || batch.MaxSize <= limit) return null;
        var given = batch.MaxSize;
        batch.MaxSize = limit;
        if (origins.IsVariable(size) || origins.IsVariable(queue))
        {
            return VariableLayer.IsUsed(options, SettingUse.Export)
                ? $"{origins.SetAs(size)} is {given}, more than {origins.SetAs(queue)}, which is {limit}: one export holds {limit} spans at most."
                : null;
        }

        return origins.IsDefault(size) ? null : throw WrongSetting.Create(origins.SetAs(size), given.ToString(CultureInfo.InvariantCulture), $"at most {queue}, which is {limit}");
    }

    private static void Require(bool condition, Setting setting, MeshTracingOptions options)
    {
        if (!condition) throw WrongSetting.Create($"{Settings.SectionName}:{setting.Name}", setting.ShowWrong(options), setting.Expected);
    }
}
