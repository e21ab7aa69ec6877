namespace Tracing.Sdk.Export.Http;

/// <summary>Reads text from the body of a response.</summary>
internal static class ResponseText
{
    /// <summary>Bytes that are read of a message. Secrets are hidden in it before it is cut for the log.</summary>
    public const int MaxBytes = 4096;

    public static bool IsHtml(ReadOnlySpan<byte> body)
    {
        var text = body.TrimStart(" \t\r\n"u8);
        return text.Length > 0 && text[0] == (byte)'<';
    }

    /// <summary>Decodes UTF-8.</summary>
    public static string Decode(ReadOnlySpan<byte> body) => System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, MaxBytes)]).Trim();

    /// <summary>Decodes a body in plain text, or without a content type; returns null for any other.</summary>
    public static string? DecodePlain(HttpResponseMessage response, ReadOnlySpan<byte> body) =>
        !body.IsEmpty && response.Content.Headers.ContentType?.MediaType is null or "text/plain" ? Decode(body) : null;
}
