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

    /// <summary>The request belongs to another host of this process.</summary>
    AnotherHost,

    /// <summary>The code runs in a suppressed flow.</summary>
    Suppressed,

    /// <summary>The local parent ended long ago: the ratio decided for a trace that begins here.</summary>
    EndedParent,
}
