namespace Tracing.Sdk.Recording;

/// <summary>The status codes of gRPC as spans name them. <see href="https://opentelemetry.io/docs/specs/semconv/rpc/grpc/"/></summary>
internal static class GrpcStatus
{
    public const string Ok = "OK";
    public const string Cancelled = "CANCELLED";
    public const string Unknown = "UNKNOWN";

    /// <summary>What <c>rpc.method</c> says of a method that no service has.</summary>
    public const string OtherMethod = "_OTHER";

    // By their number.
    private static readonly string[] Names =
    [
        Ok, Cancelled, Unknown, "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    /// <summary>The name of a code that is written as a number; the number itself when gRPC knows no such code.</summary>
    public static string NameOf(string code) => int.TryParse(code, out var number) && (uint)number < (uint)Names.Length ? Names[number] : code;

    /// <summary>Whether a status is an error of the server: the others are the caller's, or an answer like any other.</summary>
    public static bool IsErrorOfServer(string name) => name is Unknown or "DEADLINE_EXCEEDED" or "UNIMPLEMENTED" or "INTERNAL" or "UNAVAILABLE" or "DATA_LOSS";
}
