using System.Diagnostics;
using System.Globalization;

namespace Tracing.Sdk.Propagation.W3C;

// OpenTelemetry's member of tracestate:  ot={key}:{value}[;{key}:{value}...]       256 characters at most after "ot="
//   th  1 to 14 HEXLC: the rejection threshold, filled with zeros on the right to 56 bits. Where it is known, one kept trace stands for 2^56 / (2^56 - th) traces.
//   rv  14 HEXLC: the randomness of the trace, in place of the last 56 bits of its id.
// A trace is kept where its randomness reaches the threshold: a sampler with a higher threshold keeps a part of what one with a lower threshold keeps.
// A sampler that decides by a ratio writes its th; one that decides otherwise removes it; one that follows its caller leaves it. rv and other keys go on unchanged.
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
internal static class ProbabilityState
{
    /// <summary>Thresholds and randomness are below it.</summary>
    public const ulong Range = 1UL << 56;

    /// <summary>The member of a sampler that keeps everything.</summary>
    public const string All = "ot=th:0";

    private const string Key = "ot=";
    private const string ThresholdKey = "th:";
    private const string RandomnessKey = "rv:";
    private const int Digits = 14;
    private const int MaxValueLength = 256;

    /// <summary>The member with a threshold and nothing else.</summary>
    public static string Format(ulong threshold)
    {
        var digits = threshold.ToString("x14", CultureInfo.InvariantCulture).TrimEnd('0');
        return digits.Length == 0 ? All : Key + ThresholdKey + digits;
    }

    /// <summary>The randomness of a trace: what its tracestate says, else the last 56 bits of its id.</summary>
    public static ulong GetRandomness(string? list, ActivityTraceId traceId)
    {
        if (list is not null && TryFind(FindValue(list), RandomnessKey, out var text) && text.Length == Digits && TryReadDigits(text, out var randomness)) return randomness;
        return TryReadDigits(traceId.ToHexString().AsSpan(^Digits..), out var last) ? last : 0;
    }

    /// <summary>The list of a trace that this process has decided about.</summary>
    /// <param name="list">The list so far.</param>
    /// <param name="threshold">The member with the threshold by which the trace is kept, as <see cref="Format"/> makes it; null where the trace is not kept, or not by a ratio.
    /// <see cref="All"/> only replaces another threshold: without one, every backend counts the trace once, and no header grows.</param>
    public static string? WithThreshold(string? list, string? threshold)
    {
        if (threshold == All && (list is null || !TryFind(FindValue(list), ThresholdKey, out _))) return list;
        if (list is null) return threshold;
        var value = FindValue(list);
        if (threshold is null && !TryFind(value, ThresholdKey, out _)) return list;
        if (threshold is not null && value.SequenceEqual(threshold.AsSpan(Key.Length))) return list;

        Span<char> own = stackalloc char[Key.Length + MaxValueLength];
        return TraceStateList.WithMember(Key, own[..Write(own, threshold, value)], list, mayPushOut: true);
    }

    /// <summary>The list of a trace whose caller has decided: without a threshold that cannot be right, as of a trace that is not sampled or that its randomness rules out.</summary>
    public static string? WithoutWrongThreshold(string? list, bool isSampled, ActivityTraceId traceId)
    {
        if (list is null || !TryFind(FindValue(list), ThresholdKey, out var text)) return list;
        return isSampled && TryReadDigits(text, out var threshold) && GetRandomness(list, traceId) >= threshold ? list : WithThreshold(list, null);
    }

    /// <summary>Whether a list has the member: the question that most lists answer with no.</summary>
    public static bool IsIn(string? list) => list is not null && list.Contains(Key, StringComparison.Ordinal);

    // The threshold first, then everything else that was there. Returns 0 for nothing.
    private static int Write(Span<char> own, string? threshold, ReadOnlySpan<char> value)
    {
        var length = Key.Length;
        Key.CopyTo(own);
        if (threshold is not null)
        {
            threshold.CopyTo(own);
            length = threshold.Length;
        }

        foreach (var range in value.Split(';'))
        {
            var part = value[range];
            if (part.IsEmpty || part.StartsWith(ThresholdKey)) continue;
            var separator = length > Key.Length ? 1 : 0;
            // No room beside the other keys: no threshold is better than a wrong one, and the others are not this sampler's to drop.
            if (length + separator + part.Length > own.Length) return threshold is null ? 0 : Write(own, null, value);
            if (separator > 0) own[length++] = ';';
            part.CopyTo(own[length..]);
            length += part.Length;
        }

        return length > Key.Length ? length : 0;
    }

    // What stands after "ot="; empty when there is none, or when it is no value of a tracestate.
    private static ReadOnlySpan<char> FindValue(string list)
    {
        var text = list.AsSpan();
        for (var start = 0; text[start..].IndexOf(Key) is >= 0 and var found; start += found + Key.Length)
        {
            // The key of another vendor may end in the same letters.
            var at = start + found;
            if (at > 0 && text[at - 1] is not (',' or ' ' or '\t')) continue;
            var value = text[(at + Key.Length)..];
            var comma = value.IndexOf(',');
            if (comma >= 0) value = value[..comma];
            if (value is [.., ' ' or '\t']) value = HeaderText.Trim(value);
            return value.Length is > 0 and <= MaxValueLength && HeaderText.IsSafe(value) && !value.Contains('=') ? value : default;
        }

        return default;
    }

    private static bool TryFind(ReadOnlySpan<char> value, string key, out ReadOnlySpan<char> text)
    {
        text = default;
        while (!value.IsEmpty)
        {
            var semicolon = value.IndexOf(';');
            var part = semicolon < 0 ? value : value[..semicolon];
            if (part.StartsWith(key))
            {
                text = part[key.Length..];
                return true;
            }

            value = semicolon < 0 ? default : value[(semicolon + 1)..];
        }

        return false;
    }

    // Up to fourteen digits, as if zeros followed.
    private static bool TryReadDigits(ReadOnlySpan<char> text, out ulong number)
    {
        number = 0;
        if (text.Length is 0 or > Digits) return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigitLower(c)) return false;
            number = (number << 4) | (uint)(c <= '9' ? c - '0' : c - 'a' + 10);
        }

        number <<= 4 * (Digits - text.Length);
        return true;
    }
}
