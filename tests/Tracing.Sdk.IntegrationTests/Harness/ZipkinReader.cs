using System.Text.Json;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>Reads Zipkin v2 JSON, as posted to /api/v2/spans and as answered by /api/v2/trace/{id}.</summary>
internal static class ZipkinReader
{
    public static List<CollectedSpan> Read(JsonElement list) => [.. list.EnumerateArray().Select(ReadSpan)];

    private static CollectedSpan ReadSpan(JsonElement span)
    {
        var traceId = span.GetProperty("traceId").GetString()!;
        return new CollectedSpan
        {
            Format = SpanFormat.Zipkin,
            TraceId = traceId.PadLeft(32, '0'),
            TraceIdAsSent = traceId,
            Id = span.GetProperty("id").GetString()!,
            ParentId = Text(span, "parentId"),
            Name = Text(span, "name") ?? "",
            Kind = Text(span, "kind"),
            Service = span.TryGetProperty("localEndpoint", out var endpoint) ? Text(endpoint, "serviceName") ?? "" : "",
            Tags = span.TryGetProperty("tags", out var tags)
                ? tags.EnumerateObject().ToDictionary(tag => tag.Name, tag => tag.Value.GetString()!)
                : new Dictionary<string, string>(),
            StartMicroseconds = span.TryGetProperty("timestamp", out var timestamp) ? timestamp.GetInt64() : 0,
            Debug = span.TryGetProperty("debug", out var debug) && debug.GetBoolean(),
            Shared = span.TryGetProperty("shared", out var shared) && shared.GetBoolean(),
        };
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) ? value.GetString() : null;
}
