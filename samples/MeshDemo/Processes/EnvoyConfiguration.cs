using System.Globalization;
using System.Text.RegularExpressions;

namespace MeshDemo.Processes;

/// <summary>Which tracer Envoy runs: one file of samples/envoy each.</summary>
internal enum Tracer
{
    /// <summary>B3 headers, spans as Zipkin JSON (zipkin.yaml).</summary>
    Zipkin,

    /// <summary>B3 and W3C headers, spans as Zipkin JSON (zipkin-w3c.yaml).</summary>
    ZipkinW3C,

    /// <summary>W3C headers, spans as OTLP (otel.yaml).</summary>
    OpenTelemetry,
}

/// <summary>A file of samples/envoy with other ports than the ones it was written with.</summary>
internal static partial class EnvoyConfiguration
{
    // The ports in the files. The collector has Zipkin's port or OTLP's.
    private const int Admin = 9901, Front = 10000, Egress = 10001, Api = 5001, Data = 5002, Zipkin = 9411, Otlp = 4318;

    public static string FileName(Tracer tracer) => tracer switch
    {
        Tracer.Zipkin => "zipkin.yaml",
        Tracer.ZipkinW3C => "zipkin-w3c.yaml",
        _ => "otel.yaml",
    };

    /// <summary>The text of the file, unchanged.</summary>
    public static string Read(Tracer tracer)
    {
        using var file = typeof(EnvoyConfiguration).Assembly.GetManifestResourceStream(FileName(tracer))!;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    /// <summary>
    /// The file with every port replaced. The admin port and both listeners get ports of the system's choice (0), which
    /// <see cref="EnvoyProcess"/> asks for after the start; <paramref name="api"/> or <paramref name="data"/> may be null for a proxy
    /// whose listener towards it is not used.
    /// </summary>
    public static string Render(Tracer tracer, Uri collector, Uri? api, Uri? data)
    {
        var ports = new Dictionary<int, int>
        {
            [Admin] = 0,
            [Front] = 0,
            [Egress] = 0,
            [Zipkin] = collector.Port,
            [Otlp] = collector.Port,
        };
        if (api is not null)
            ports[Api] = api.Port;
        if (data is not null)
            ports[Data] = data.Port;

        // In one pass, so that a port that was put in is never replaced in its turn.
        return PortOf127001().Replace(Read(tracer), match =>
            ports.TryGetValue(int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture), out var port)
                ? match.Groups["before"].Value + port.ToString(CultureInfo.InvariantCulture)
                : match.Value);
    }

    [GeneratedRegex(@"(?<before>port_value: |127\.0\.0\.1:)(?<port>\d+)")]
    private static partial Regex PortOf127001();
}
