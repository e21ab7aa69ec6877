using System.Buffers;
using System.Text.Json;
using MeshDemo.Traces;

namespace MeshDemo.Collecting;

// POST /api/v2/spans: a JSON list of spans, https://zipkin.io/zipkin-api/. Like Zipkin itself, one bad span refuses the whole list.
internal static class ZipkinJson
{
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <exception cref="FormatException">It is no list of Zipkin v2 spans: the message says what is wrong.</exception>
    public static IReadOnlyList<Span> Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return [.. document.RootElement.EnumerateArray().Select(ReadSpan)];
        }
        // What JsonElement throws when an element is of another type than asked for.
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("This is not a list of Zipkin v2 spans: " + e.Message, e);
        }
    }

    private static Span ReadSpan(JsonElement span)
    {
        var tags = span.TryGetProperty("tags", out var all)
            ? all.EnumerateObject().ToDictionary(tag => tag.Name, tag => tag.Value.GetString() ?? throw new FormatException($"The tag {tag.Name} is null."))
            : [];
        var events = span.TryGetProperty("annotations", out var annotations)
            ? annotations.EnumerateArray().Select(a => new SpanEvent(a.GetProperty("timestamp").GetInt64(), Text(a, "value") ?? "")).ToArray()
            : [];
        return new Span
        {
            TraceId = Id(Text(span, "traceId"), "traceId", 16, 32).PadLeft(32, '0'),
            SpanId = Id(Text(span, "id"), "id", 16),
            ParentId = Text(span, "parentId") is { } parent ? Id(parent, "parentId", 16) : null,
            Service = span.TryGetProperty("localEndpoint", out var endpoint) ? Text(endpoint, "serviceName") ?? "" : "",
            Name = Text(span, "name") ?? "",
            Kind = Text(span, "kind") switch
            {
                null => "INTERNAL",
                var kind and ("CLIENT" or "SERVER" or "PRODUCER" or "CONSUMER") => kind,
                var kind => throw new FormatException($"{kind} is no kind of span."),
            },
            Start = Number(span, "timestamp"),
            Duration = Number(span, "duration"),
            IsError = tags.ContainsKey("error"),
            Tags = tags,
            Events = events,
        };
    }

    private static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static long Number(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.GetInt64() : 0;

    private static string Id(string? id, string field, params ReadOnlySpan<int> lengths) =>
        id is not null && lengths.Contains(id.Length) && !id.AsSpan().ContainsAnyExcept(LowerHex) && id.AsSpan().ContainsAnyExcept('0')
            ? id
            : throw new FormatException($"'{id}' is no {field}.");
}
