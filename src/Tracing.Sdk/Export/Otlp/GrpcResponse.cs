using System.Buffers.Binary;
using System.Net.Http.Headers;
using Tracing.Sdk.Export.Http;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Otlp;

/// <summary>Reads the response to a gRPC call.</summary>
internal static class GrpcResponse
{
    /// <summary>A flag byte and four bytes of length stand in front of a message.</summary>
    public const int PrefixLength = 5;

    private const int MaxDetailsLength = 8192;
    private const int MaxDelaySeconds = 24 * 60 * 60;

    public static ExportResponse Read(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        // A response without a body may have all of it in its headers. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
        var trailers = response.TrailingHeaders.NonValidated.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        if (Find(trailers, "grpc-status") is not { } text) return response.IsSuccessStatusCode ? new ExportResponse { LacksStatus = true } : default;
        var status = GrpcStatus.Find(text) ?? GrpcStatus.Unknown;
        if (status == GrpcStatus.Ok) return OtlpResponse.ReadProtobuf(FindMessage(body), isSuccess: true) with { RpcStatus = status };
        var hasRetryInfo = TryReadRetryInfo(Find(trailers, "grpc-status-details-bin"), out var delay);
        var message = Find(trailers, "grpc-message") is { Length: > 0 } words ? Uri.UnescapeDataString(words) : null;
        var size = hasRetryInfo ? SizeRefusal.No : ReadSize(status, message);
        var isRetryable = size != SizeRefusal.Certain && IsRetryable(status, hasRetryInfo);
        return new(0, message) { Refusal = new(status, isRetryable, size, delay > TimeSpan.Zero ? delay : null) };
    }

    /// <summary>Whether a status refuses the batch only for now.</summary>
    /// <remarks>https://opentelemetry.io/docs/specs/otlp/#failures</remarks>
    private static bool IsRetryable(string status, bool hasRetryInfo) =>
        status is GrpcStatus.Cancelled or GrpcStatus.DeadlineExceeded or GrpcStatus.Aborted or GrpcStatus.OutOfRange or GrpcStatus.Unavailable or GrpcStatus.DataLoss
        || (status == GrpcStatus.ResourceExhausted && hasRetryInfo);

    // gRPC has no status of its own for a message that is too large. Most libraries answer RESOURCE_EXHAUSTED, which also means a quota, Rust's OUT_OF_RANGE, and proxies UNKNOWN.
    private static SizeRefusal ReadSize(string status, string? message) => status switch
    {
        GrpcStatus.ResourceExhausted when message is null => SizeRefusal.Possible,
        GrpcStatus.ResourceExhausted or GrpcStatus.OutOfRange or GrpcStatus.Unknown when message is not null && SpeaksOfSize(message) => SizeRefusal.Certain,
        _ => SizeRefusal.No,
    };

    // Go, C++, Python, Node: "Received message larger than max"; Rust: "message length too large"; Java: "gRPC message exceeds maximum size";
    // .NET: "Received message exceeds the maximum configured message size"; Envoy: "Payload Too Large".
    private static bool SpeaksOfSize(string message) =>
        Contains(message, "too large") || Contains(message, "larger than") || (Contains(message, "message exceeds") && Contains(message, "size"));

    private static bool Contains(string message, string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);

    private static string? Find(HttpResponseHeaders headers, string name) => headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    // Compressed messages are not asked for; one that comes anyway is not read.
    private static ReadOnlySpan<byte> FindMessage(ReadOnlySpan<byte> body) =>
        body.Length >= PrefixLength && body[0] == 0 && BinaryPrimitives.ReadUInt32BigEndian(body[1..]) is var length && length <= body.Length - PrefixLength
            ? body.Slice(PrefixLength, (int)length)
            : default;

    // google.rpc.Status { details 3* Any { type_url 1, value 2 } }, RetryInfo { retry_delay 1 Duration { seconds 1, nanos 2 } }
    private static bool TryReadRetryInfo(string? base64, out TimeSpan delay)
    {
        delay = default;
        if (base64 is null or { Length: > MaxDetailsLength }) return false;
        // Base64 in gRPC often has no padding.
        var padded = base64.PadRight((base64.Length + 3) / 4 * 4, '=');
        Span<byte> buffer = new byte[padded.Length];
        if (!Convert.TryFromBase64String(padded, buffer, out var length)) return false;
        ReadOnlySpan<byte> status = buffer[..length];
        while (ProtobufReader.TryRead(ref status, out var field, out _, out var detail))
        {
            if (field != 3 || !ProtobufReader.Find(detail, 1).EndsWith("/google.rpc.RetryInfo"u8)) continue;
            var duration = ProtobufReader.Find(ProtobufReader.Find(detail, 2), 1);
            var seconds = Math.Clamp(ProtobufReader.FindNumber(duration, 1), 0, MaxDelaySeconds);
            var nanoseconds = Math.Clamp(ProtobufReader.FindNumber(duration, 2), 0, 999_999_999);
            delay = TimeSpan.FromSeconds(seconds) + TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
            return true;
        }

        return false;
    }
}
