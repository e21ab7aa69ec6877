using System.Globalization;
using System.Text.Json;
using MeshDemo.Traces;

namespace MeshDemo.Collecting;

// An ExportTraceServiceRequest in OTLP's JSON: ids are hex, 64-bit numbers are text, what has its default value is not there.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
internal static class OtlpJson
{
    private static readonly string[] Kinds = ["INTERNAL", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

    public static IReadOnlyList<Span> Read(JsonElement request) =>
    [
        .. from resourceSpans in Items(request, "resourceSpans")
           let service = Attributes(resourceSpans.GetProperty("resource")).GetValueOrDefault("service.name", "")
           from scopeSpans in Items(resourceSpans, "scopeSpans")
           from span in Items(scopeSpans, "spans")
           select ReadSpan(span, service),
    ];

    private static Span ReadSpan(JsonElement span, string service)
    {
        var (start, end) = (Microseconds(span, "startTimeUnixNano"), Microseconds(span, "endTimeUnixNano"));
        return new Span
        {
            TraceId = Text(span, "traceId")!,
            SpanId = Text(span, "spanId")!,
            ParentId = Text(span, "parentSpanId") is { Length: > 0 } parent ? parent : null,
            Service = service,
            Name = Text(span, "name") ?? "",
            Kind = Kinds[span.TryGetProperty("kind", out var kind) ? kind.GetInt32() : 0],
            Start = start,
            Duration = Math.Max(0, end - start),
            IsError = span.TryGetProperty("status", out var status) && status.TryGetProperty("code", out var code) && code.GetInt32() == 2,
            Tags = Attributes(span),
            Events = [.. Items(span, "events").Select(e => new SpanEvent(Microseconds(e, "timeUnixNano"), Text(e, "name") ?? ""))],
        };
    }

    // {"key":"http.method","value":{"stringValue":"GET"}}
    private static Dictionary<string, string> Attributes(JsonElement parent)
    {
        var attributes = new Dictionary<string, string>();
        foreach (var attribute in Items(parent, "attributes"))
        {
            var value = attribute.GetProperty("value").EnumerateObject().Select(variant => variant.Value).FirstOrDefault();
            attributes[Text(attribute, "key")!] = value.ValueKind switch
            {
                JsonValueKind.Undefined => "",
                JsonValueKind.String => value.GetString()!,
                _ => value.GetRawText(),
            };
        }

        return attributes;
    }

    private static IEnumerable<JsonElement> Items(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : Enumerable.Empty<JsonElement>();

    private static long Microseconds(JsonElement parent, string name) =>
        Text(parent, name) is { } nanoseconds ? long.Parse(nanoseconds, CultureInfo.InvariantCulture) / 1000 : 0;

    private static string? Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var value) ? value.GetString() : null;
}
