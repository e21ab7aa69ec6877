using System.Globalization;

namespace Tracing.Sdk.Export;

/// <summary>Delays before a batch is sent again.</summary>
internal static class RetryPolicy
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MinRetryAfter = TimeSpan.FromMilliseconds(100);
    // A longer wait would cost more spans than the buffer holds.
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromMinutes(1);

    /// <summary>1 s x 1.5^n, at most 5 s, with full jitter, so that processes that have lost the same collector do not return to it together.</summary>
    public static TimeSpan Delay(int attempt, double random)
    {
        var delay = FirstDelay * Math.Pow(1.5, Math.Min(attempt, 16));
        return (delay < MaxDelay ? delay : MaxDelay) * random;
    }

    /// <summary>Parses a Retry-After header: seconds or a date. Returns null for anything else and for a date in the past. At least 100 ms, at most a minute.</summary>
    /// <remarks>https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3</remarks>
    public static TimeSpan? ParseRetryAfter(string? header, DateTimeOffset now)
    {
        TimeSpan delay;
        header = header?.Trim();
        if (long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            delay = TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(1).TotalSeconds));
        }
        else if (DateTimeOffset.TryParse(header, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces, out var date)
            && date > now)
        {
            delay = date - now;
        }
        else
        {
            return null;
        }

        return Limit(delay);
    }

    /// <summary>Limits a delay that a collector asks for: at least 100 ms, at most a minute.</summary>
    public static TimeSpan Limit(TimeSpan delay) => delay < MinRetryAfter ? MinRetryAfter : delay > MaxRetryAfter ? MaxRetryAfter : delay;
}
