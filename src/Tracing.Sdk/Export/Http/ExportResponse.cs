namespace Tracing.Sdk.Export.Http;

/// <summary>What a response says beside its HTTP status.</summary>
/// <param name="RejectedSpans">The number of spans that the collector has rejected although it has accepted the request.</param>
/// <param name="Message">The collector's own words, as they came.</param>
internal readonly record struct ExportResponse(long RejectedSpans, string? Message)
{
    /// <summary>The refusal in a response whose HTTP status is a success; null when there is none.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>The name of the status that accepts the request, for a protocol that has statuses of its own.</summary>
    public string? RpcStatus { get; init; }

    /// <summary>Whether the response lacks the status of such a protocol, and so does not say what became of the request.</summary>
    public bool LacksStatus { get; init; }
}

/// <summary>A refusal by a protocol that runs over HTTP and has statuses of its own.</summary>
/// <param name="Status">The name of the status, such as <c>UNAVAILABLE</c>.</param>
/// <param name="IsRetryable">Whether the collector refuses the batch only for now.</param>
/// <param name="Size">Whether the request was too large.</param>
/// <param name="RetryAfter">The delay before the next attempt that the collector asks for, or null.</param>
internal sealed record Refusal(string Status, bool IsRetryable, SizeRefusal Size, TimeSpan? RetryAfter);

/// <summary>Whether a request was refused for its size.</summary>
internal enum SizeRefusal
{
    No,

    /// <summary>The status may mean the size, and nothing else in the response tells.</summary>
    Possible,
    Certain,
}
