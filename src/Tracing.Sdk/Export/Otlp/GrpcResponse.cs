using System.Buffers.Binary;
using System.Globalization;
using System.Net.Http.Headers;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>Reads the response to a gRPC call.</summary>
internal static class GrpcResponse
{
    /// <summary>A flag byte and four bytes of length stand in front of a message.</summary>
    public const int PrefixLength = 5;

    private const int Ok = 0;
    private const int ResourceExhausted = 8;
    private const int OutOfRange = 11;

    // https://grpc.github.io/grpc/core/md_doc_statuscodes.html, in the order of their numbers
    private static readonly string[] Names =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    public static ExportResponse Read(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        // A response without a body may have all of it in its headers. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
        var trailers = response.TrailingHeaders.NonValidated.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        if (Find(trailers, "grpc-status") is not { } text) return response.IsSuccessStatusCode ? new ExportResponse { IsCutOff = true } : default;
        var isKnown = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && code < Names.Length;
        if (isKnown && code == Ok) return OtlpResponse.ReadProtobuf(FindMessage(body), isSuccess: true) with { RpcStatus = Names[Ok] };
        var retryAfter = ReadRetryInfo(Find(trailers, "grpc-status-details-bin"));
        var message = Find(trailers, "grpc-message") is { Length: > 0 } words ? Uri.UnescapeDataString(words) : null;
        var isForSize = isKnown && IsForSize(code, retryAfter is not null, message);
        var isRetryable = isKnown && !isForSize && IsRetryable(code, retryAfter is not null);
        return new(0, message) { Refusal = new(isKnown ? Names[code] : "UNKNOWN", isRetryable, isForSize, retryAfter) };
    }

    /// <summary>Whether a status refuses the batch only for now.</summary>
    /// <remarks>https://opentelemetry.io/docs/specs/otlp/#failures</remarks>
    private static bool IsRetryable(int code, bool hasRetryInfo) =>
        Names[code] is "CANCELLED" or "DEADLINE_EXCEEDED" or "ABORTED" or "OUT_OF_RANGE" or "UNAVAILABLE" or "DATA_LOSS" || (code == ResourceExhausted && hasRetryInfo);

    // gRPC has no status of its own for a message that is too large: most libraries answer RESOURCE_EXHAUSTED, which also means a quota, and one in Rust OUT_OF_RANGE.
    private static bool IsForSize(int code, bool hasRetryInfo, string? message) => code switch
    {
        ResourceExhausted => !hasRetryInfo && (message is null || SpeaksOfSize(message)),
        OutOfRange => message is not null && SpeaksOfSize(message),
        _ => false,
    };

    private static bool SpeaksOfSize(string message) =>
        message.Contains("large", StringComparison.OrdinalIgnoreCase)
        || (message.Contains("message", StringComparison.OrdinalIgnoreCase) && message.Contains("max", StringComparison.OrdinalIgnoreCase));

    private static string? Find(HttpResponseHeaders headers, string name) => headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    // Compressed messages are not asked for; one that comes anyway is not read.
    private static ReadOnlySpan<byte> FindMessage(ReadOnlySpan<byte> body) =>
        body.Length >= PrefixLength && body[0] == 0 && BinaryPrimitives.ReadUInt32BigEndian(body[1..]) is var length && length <= body.Length - PrefixLength
            ? body.Slice(PrefixLength, (int)length)
            : default;

    // google.rpc.Status { details 3* Any { type_url 1, value 2 } }, RetryInfo { retry_delay 1 Duration { seconds 1, nanos 2 } }
    private static TimeSpan? ReadRetryInfo(string? base64)
    {
        if (base64 is null) return null;
        // Base64 in gRPC often has no padding.
        var padded = base64.PadRight((base64.Length + 3) / 4 * 4, '=');
        Span<byte> buffer = padded.Length <= 8192 ? new byte[padded.Length] : default;
        if (!Convert.TryFromBase64String(padded, buffer, out var length)) return null;
        ReadOnlySpan<byte> status = buffer[..length];
        while (ProtobufReader.TryRead(ref status, out var field, out _, out var detail))
        {
            if (field != 3 || !ProtobufReader.Find(detail, 1).EndsWith("/google.rpc.RetryInfo"u8)) continue;
            var delay = ProtobufReader.Find(ProtobufReader.Find(detail, 2), 1);
            var (seconds, nanoseconds) = (ProtobufReader.FindNumber(delay, 1), ProtobufReader.FindNumber(delay, 2));
            return seconds is < 0 or > 86_400 ? TimeSpan.FromDays(1) : TimeSpan.FromSeconds(seconds) + TimeSpan.FromMicroseconds(Math.Clamp(nanoseconds, 0, 999_999_999) / 1000.0);
        }

        return null;
    }
}
