using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>What the encodings of OTLP have in common.</summary>
internal static class OtlpSettings
{
    /// <summary>Limit of a request over HTTP: that of the Collector's and of Jaeger's receiver.</summary>
    public const int MaxHttpBytes = 20 * 1024 * 1024;

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
