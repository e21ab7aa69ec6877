using System.Text.Json;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

// Success: ExportTraceServiceResponse { partial_success 1 { rejected_spans 1 int64, error_message 2 string } }
// Failure: google.rpc.Status { code 1 int32, message 2 string }
internal static class OtlpResponse
{
    public static ExportResponse ReadProtobuf(ReadOnlySpan<byte> body, bool isSuccess)
    {
        if (!isSuccess) return new(0, ReadText(body, 2));
        var partial = ProtobufReader.Find(body, 1);
        return new(Math.Max(0, ProtobufReader.FindNumber(partial, 1)), ReadText(partial, 2));
    }

    public static ExportResponse ReadJson(ReadOnlySpan<byte> body, bool isSuccess)
    {
        if (body.IsEmpty) return default;
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return default;
            if (!isSuccess) return new(0, ReadText(root, "message"));
            if (!root.TryGetProperty("partialSuccess", out var partial) || partial.ValueKind != JsonValueKind.Object) return default;
            var rejected = partial.TryGetProperty("rejectedSpans", out var count)
                && long.TryParse(count.ToString(), out var spans) ? Math.Max(0, spans) : 0;
            return new(rejected, ReadText(partial, "errorMessage"));
        }
        catch (JsonException)
        {
            // A proxy has written something else.
            return default;
        }
    }

    private static string? ReadText(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private static string? ReadText(ReadOnlySpan<byte> message, int number) => ProtobufReader.Find(message, number) is { IsEmpty: false } content ? ResponseText.Decode(content) : null;
}
