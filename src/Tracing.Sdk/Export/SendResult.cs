namespace Tracing.Sdk.Export;

/// <summary>How one attempt to send a batch ended, and how the sending of a batch ended.</summary>
/// <remarks>The names of the failures are values of <c>error.type</c>.</remarks>
internal enum SendOutcome
{
    /// <summary>The collector has accepted the batch.</summary>
    Accepted,

    /// <summary>The collector has rejected the batch and would reject it again, or the batch is lost for another reason.</summary>
    Rejected,

    /// <summary>The collector refuses the batch because of its size.</summary>
    TooLarge,

    /// <summary>The collector refuses the batch for now.</summary>
    Deferred,

    /// <summary>The batch was sent, in whole or in part, and no answer came.</summary>
    NoAnswer,

    /// <summary>Nothing was sent, for lack of a connection or for any other reason.</summary>
    Unreachable,
}

/// <summary>The result of one attempt.</summary>
/// <param name="Outcome">How the attempt ended.</param>
/// <param name="Message">What happened and which setting helps, for the log. Null when there is nothing to report.</param>
internal readonly record struct SendResult(SendOutcome Outcome, string? Message = null)
{
    /// <summary>The status of the response; 0 without one.</summary>
    public int Status { get; init; }

    /// <summary>The name of the gRPC status of the response; null without one.</summary>
    public string? RpcStatus { get; init; }

    /// <summary>The kind of the failure when there is no response.</summary>
    public HttpRequestError? Error { get; init; }

    /// <summary>The delay before the next attempt that the collector asks for, or null.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The number of spans that an accepted batch loses, because the collector has rejected them.</summary>
    public long RejectedSpans { get; init; }
}
