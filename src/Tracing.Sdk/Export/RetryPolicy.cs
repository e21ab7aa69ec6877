using System.Globalization;

namespace Tracing.Sdk.Export;

/// <summary>Which answers are worth another attempt, and when.</summary>
/// <remarks>
/// https://opentelemetry.io/docs/specs/otlp/#otlphttp-response. Zipkin specifies nothing, so the same serves; but the Zipkin receivers of Jaeger
/// and the Collector answer 500 also when their next step cannot take spans at the moment.
/// </remarks>
internal static class RetryPolicy
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestRetryAfter = TimeSpan.FromMilliseconds(100);
    // A longer wait would cost more spans than the buffer holds.
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(1);

    // Neither 408 nor 413 nor OTLP's 500: the specification says so, and the same request would meet the same fate.
    public static bool IsRetryable(int status, ExporterKind kind) => status is 429 or 502 or 503 or 504 || (status == 500 && kind == ExporterKind.Zipkin);

    /// <summary>1 s x 1.5^n, at most 5 s, with full jitter: many processes that lost the same collector must not come back together.</summary>
    public static TimeSpan Delay(int attempt, double random)
    {
        var delay = FirstDelay * Math.Pow(1.5, Math.Min(attempt, 16));
        return (delay < LongestDelay ? delay : LongestDelay) * random;
    }

    /// <summary>Reads a Retry-After header: seconds or a date. Anything else, and a date in the past, is no advice; more than a minute counts as a minute.</summary>
    /// <remarks>https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3</remarks>
    public static TimeSpan? RetryAfter(string? header, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(header)) return null;
        header = header.Trim();
        TimeSpan delay;
        if (long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            delay = TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(1).TotalSeconds));
        }
        else if (DateTimeOffset.TryParse(
            header,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces,
            out var date))
        {
            delay = date - now;
            if (delay <= TimeSpan.Zero) return null;
        }
        else
        {
            return null;
        }

        return delay < ShortestRetryAfter ? ShortestRetryAfter : delay > LongestRetryAfter ? LongestRetryAfter : delay;
    }
}
