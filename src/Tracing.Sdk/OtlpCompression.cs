namespace Tracing.Sdk;

/// <summary>Compression of OTLP request bodies.</summary>
public enum OtlpCompression
{
    /// <summary>Bodies are sent as they are.</summary>
    None = 0,

    /// <summary>Bodies are compressed with gzip.</summary>
    Gzip,
}
