namespace Tracing.Sdk.Recording;

/// <summary>Why a request or a root span is recorded or not.</summary>
internal enum DecisionReason
{
    /// <summary>The ratio decided for a new trace.</summary>
    Ratio,

    /// <summary>The ratio decided, because the caller sent ids without a decision.</summary>
    CallerUndecided,

    /// <summary>A rule decided.</summary>
    Rule,

    /// <summary>A rule with a rate decided.</summary>
    Rate,

    /// <summary>The caller said yes.</summary>
    CallerYes,

    /// <summary>The caller said no.</summary>
    CallerNo,

    /// <summary>The caller sent a debug trace.</summary>
    CallerDebug,

    /// <summary>The caller is not trusted: the ratio decided for a trace that begins here.</summary>
    Restarted,

    /// <summary>The caller has forced too many traces, or is trusted with its ids only: the ratio decided.</summary>
    Limited,

    /// <summary>A health check.</summary>
    HealthCheck,

    /// <summary>The path or the endpoint is ignored.</summary>
    Ignored,

    /// <summary>A function of the application ignores it.</summary>
    IgnoredByCode,

    /// <summary>The application, or another library, has cleared the sampled flag.</summary>
    Cleared,

    /// <summary>A source that begins no trace.</summary>
    IgnoredSource,

    /// <summary>A library's poll outside of a trace.</summary>
    BackgroundPoll,

    /// <summary>The request belongs to another host of this process.</summary>
    AnotherHost,

    /// <summary>The code runs in a suppressed flow.</summary>
    Suppressed,

    /// <summary>The local parent ended long ago: the ratio decided for a trace that begins here.</summary>
    EndedParent,
}

internal static class DecisionReasons
{
    // In the order of the enumeration: the value of tracing.sdk.decision.reason, and the words in the log.
    private static readonly (string Name, string Words)[] Table =
    [
        ("ratio", "the ratio"),
        ("caller_undecided", "the ratio, because the caller did not decide"),
        ("rule", "a sampling rule"),
        ("rate", "the rate of a sampling rule"),
        ("caller_yes", "the caller said yes"),
        ("caller_no", "the caller said no"),
        ("caller_debug", "the caller said debug"),
        ("restarted", "the ratio, because the caller's trace ends here"),
        ("limited", "the ratio, because the caller's decision does not hold"),
        ("health_check", "a health check"),
        ("ignored", "the path or the endpoint is ignored"),
        ("ignored_by_code", "a function of the application ignores it"),
        ("cleared", "the sampled flag was cleared"),
        ("ignored_source", "the source begins no trace"),
        ("background_poll", "a background poll"),
        ("another_host", "another host of the process has it"),
        ("suppressed", "the flow is suppressed"),
        ("ended_parent", "the ratio, because the parent ended long ago"),
    ];

    public static int Count => Table.Length;

    /// <summary>The value of <c>tracing.sdk.decision.reason</c>.</summary>
    public static string Name(this DecisionReason reason) => Table[(int)reason].Name;

    /// <summary>The reason in a sentence.</summary>
    public static string Words(this DecisionReason reason) => Table[(int)reason].Words;
}
