namespace Tracing.Sdk.Export;

/// <summary>How one request ended.</summary>
internal enum AttemptOutcome
{
    /// <summary>The collector took the spans, perhaps not all of them.</summary>
    Taken,

    /// <summary>The collector refused them, and would again.</summary>
    Refused,

    /// <summary>The collector refuses them for now.</summary>
    Later,

    /// <summary>Something was sent, and no answer came.</summary>
    NoAnswer,

    /// <summary>Nothing was sent, for lack of a connection or for any other reason.</summary>
    Unreachable,
}

/// <summary>One request and its answer.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Cause">What happened and what helps, in one sentence each, for the log. Null when all is well.</param>
internal readonly record struct Attempt(AttemptOutcome Outcome, string? Cause = null)
{
    public int Status { get; init; }

    /// <summary>The delay that the collector asks for before another attempt; null when it names none.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether these spans may be the reason for <see cref="AttemptOutcome.Later"/>: the status is also used for a bad span.</summary>
    public bool MayBeTheBatch { get; init; }

    /// <summary>Spans that it did not take although it took the request.</summary>
    public long Rejected { get; init; }
}
