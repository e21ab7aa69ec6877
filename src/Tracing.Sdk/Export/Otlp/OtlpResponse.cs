using System.Text.Json;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

// Success: ExportTraceServiceResponse { partial_success 1 { rejected_spans 1 int64, error_message 2 string } }
// Failure: google.rpc.Status { code 1 int32, message 2 string }
internal static class OtlpResponse
{
    public static ExportResponse ReadProtobuf(ReadOnlySpan<byte> body, bool isSuccess)
    {
        if (!isSuccess) return new(0, ReadText(body, 2, out _));
        ReadText(body, 1, out var partial);
        return new(ReadNumber(partial, 1), ReadText(partial, 2, out _));
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

    private static string? ReadText(ReadOnlySpan<byte> message, int number, out ReadOnlySpan<byte> content)
    {
        content = default;
        while (TryReadField(ref message, out var field, out _, out var bytes))
        {
            if (field == number) content = bytes;
        }

        return content.IsEmpty ? null : ResponseText.Decode(content);
    }

    private static long ReadNumber(ReadOnlySpan<byte> message, int number)
    {
        var found = 0L;
        while (TryReadField(ref message, out var field, out var value, out _))
        {
            if (field == number) found = (long)value;
        }

        return Math.Max(0, found);
    }

    private static bool TryReadField(scoped ref ReadOnlySpan<byte> message, out int field, out ulong value, out ReadOnlySpan<byte> bytes)
    {
        field = 0;
        value = 0;
        bytes = default;
        if (message.IsEmpty || !TryReadVarint(ref message, out var tag)) return false;
        field = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                return TryReadVarint(ref message, out value);
            case 1 when message.Length >= 8:
                message = message[8..];
                return true;
            case 2 when TryReadVarint(ref message, out var length) && length <= (ulong)message.Length:
                bytes = message[..(int)length];
                message = message[(int)length..];
                return true;
            case 5 when message.Length >= 4:
                message = message[4..];
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadVarint(ref ReadOnlySpan<byte> message, out ulong value)
    {
        value = 0;
        for (var i = 0; i < Math.Min(10, message.Length); i++)
        {
            value |= (ulong)(message[i] & 0x7F) << (7 * i);
            if (message[i] >= 0x80) continue;
            message = message[(i + 1)..];
            return true;
        }

        return false;
    }
}
