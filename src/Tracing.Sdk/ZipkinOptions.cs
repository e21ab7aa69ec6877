using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>The Zipkin exporter.</summary>
public sealed class ZipkinOptions
{
    /// <summary>Full URL for Zipkin v2 JSON. Default <c>http://localhost:9411/api/v2/spans</c>. Variable: <c>OTEL_EXPORTER_ZIPKIN_ENDPOINT</c>.</summary>
    public Uri Endpoint { get; set => field = Assign(value); } = new("http://localhost:9411/api/v2/spans");

    /// <summary>Time in which a Zipkin export that was sent has to be answered, its repetitions included. Default 10 s; more than 0. Variable, in milliseconds: <c>OTEL_EXPORTER_ZIPKIN_TIMEOUT</c>.</summary>
    public TimeSpan Timeout { get; set => field = Assign(value); } = TimeSpan.FromSeconds(10);

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
