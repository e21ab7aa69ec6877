namespace Tracing.Sdk;

/// <summary>What the library does with traces.</summary>
public enum MeshTracingMode
{
    /// <summary>Continues traces, records spans and exports them.</summary>
    Record = 0,

    /// <summary>Records and exports nothing. What came in with a request goes out unchanged with each of its calls, so that the proxies' own spans stay connected.</summary>
    Forward,
}
