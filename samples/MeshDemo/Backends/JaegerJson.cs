using System.Text.Json;
using MeshDemo.Traces;

namespace MeshDemo.Backends;

// GET /api/traces/{id} of Jaeger's query API: {"data":[{"spans":[...],"processes":{"p1":{"serviceName":"..."}}}]}.
// The parent is the reference CHILD_OF, the kind and the status are tags.
internal static class JaegerJson
{
    public static IReadOnlyList<Span> Read(JsonElement answer) =>
        [.. answer.GetProperty("data").EnumerateArray().SelectMany(trace => trace.GetProperty("spans").EnumerateArray()
            .Select(span => ReadSpan(span, trace.GetProperty("processes"))))];

    private static Span ReadSpan(JsonElement span, JsonElement processes)
    {
        var traceId = Text(span, "traceID");
        var tags = ReadTags(span, "tags");
        return new Span
        {
            TraceId = traceId,
            SpanId = Text(span, "spanID"),
            ParentId = span.GetProperty("references").EnumerateArray()
                .Where(reference => Text(reference, "refType") == "CHILD_OF" && Text(reference, "traceID") == traceId)
                .Select(reference => Text(reference, "spanID"))
                .FirstOrDefault(),
            Service = Text(processes.GetProperty(Text(span, "processID")), "serviceName"),
            Name = Text(span, "operationName"),
            Kind = tags.GetValueOrDefault("span.kind", "internal").ToUpperInvariant(),
            Start = span.GetProperty("startTime").GetInt64(),
            Duration = span.GetProperty("duration").GetInt64(),
            IsError = tags.GetValueOrDefault("error") == "true",
            Tags = tags,
            Events = [.. span.GetProperty("logs").EnumerateArray().Select(log =>
                new SpanEvent(log.GetProperty("timestamp").GetInt64(), ReadTags(log, "fields").GetValueOrDefault("event", "")))],
        };
    }

    // The last one counts where a key comes twice, as on Jaeger's own page.
    private static Dictionary<string, string> ReadTags(JsonElement parent, string name)
    {
        var tags = new Dictionary<string, string>();
        foreach (var tag in parent.GetProperty(name).EnumerateArray())
        {
            var value = tag.GetProperty("value");
            tags[Text(tag, "key")] = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        }

        return tags;
    }

    private static string Text(JsonElement parent, string name) => parent.GetProperty(name).GetString()!;
}
