using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>The settings that the encodings of OTLP/HTTP have in common.</summary>
internal static class OtlpSettings
{
    public static ExporterSettings Create(OtlpOptions options, string componentType, Func<ExporterSettings, Resource, SpanFormat> createFormat) => new()
    {
        ComponentType = componentType,
        CreateFormat = createFormat,
        Endpoint = ExporterSettings.WithoutUserInfo(options.EndpointInForce),
        Headers = [.. options.Headers],
        Gzip = options.Compression == OtlpCompression.Gzip,
        Timeout = options.Timeout,
        CertificateFile = options.CertificateFile,
        ClientCertificateFile = options.ClientCertificateFile,
        ClientKeyFile = options.ClientKeyFile,
    };
}
