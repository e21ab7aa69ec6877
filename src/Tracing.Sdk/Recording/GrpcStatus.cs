using System.Globalization;

namespace Tracing.Sdk.Recording;

/// <summary>The status codes of gRPC by their names, which spans and exporters use. <see href="https://grpc.github.io/grpc/core/md_doc_statuscodes.html"/></summary>
internal static class GrpcStatus
{
    public const string Ok = "OK";
    public const string Cancelled = "CANCELLED";
    public const string Unknown = "UNKNOWN";
    public const string DeadlineExceeded = "DEADLINE_EXCEEDED";
    public const string ResourceExhausted = "RESOURCE_EXHAUSTED";
    public const string Aborted = "ABORTED";
    public const string OutOfRange = "OUT_OF_RANGE";
    public const string Unavailable = "UNAVAILABLE";
    public const string DataLoss = "DATA_LOSS";

    /// <summary>What <c>rpc.method</c> says of a method that no service has.</summary>
    public const string OtherMethod = "_OTHER";

    // By their number.
    private static readonly string[] Names =
    [
        Ok, Cancelled, Unknown, "INVALID_ARGUMENT", DeadlineExceeded, "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", ResourceExhausted,
        "FAILED_PRECONDITION", Aborted, OutOfRange, "UNIMPLEMENTED", "INTERNAL", Unavailable, DataLoss, "UNAUTHENTICATED",
    ];

    /// <summary>The name of a code that is written as a number; null when gRPC knows no such code.</summary>
    public static string? Find(string code) => int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < Names.Length ? Names[number] : null;

    /// <summary>As <see cref="Find"/>, and the text itself when gRPC knows no such code.</summary>
    public static string NameOf(string code) => Find(code) ?? code;

    /// <summary>Whether a status is an error of the server: the others are the caller's, or an answer like any other.</summary>
    /// <remarks>https://opentelemetry.io/docs/specs/semconv/rpc/grpc/</remarks>
    public static bool IsErrorOfServer(string name) => name is Unknown or DeadlineExceeded or "UNIMPLEMENTED" or "INTERNAL" or Unavailable or DataLoss;
}
