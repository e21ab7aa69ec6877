using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Tracing.Sdk.Configuration;

/// <summary>Values as text, by type.</summary>
internal static class SettingText
{
    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(1);

    /// <summary>What a value of the type must be.</summary>
    public static string Expected(Type type, RangeAttribute? range)
    {
        if (type == typeof(bool)) return "true or false";
        if (type == typeof(double)) return $"a number from {range?.Minimum} to {range?.Maximum}";
        if (type == typeof(int) || type == typeof(long)) return $"a whole number of at least {range?.Minimum}";
        if (type == typeof(TimeSpan)) return "a time above 0, written hours:minutes:seconds";
        if (type == typeof(Uri)) return "an absolute http or https URL";
        if (type == typeof(IDictionary<string, string>)) return "a list such as key=value,other=value, percent-encoded where needed";
        var names = Enum.GetNames(type);
        return type.IsDefined(typeof(FlagsAttribute), inherit: false)
            ? $"{string.Join(", ", names)}, or {string.Join(',', names[1..])}"
            : $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }

    /// <exception cref="FormatException">The text is no value of the type.</exception>
    /// <exception cref="OverflowException">The number is too large for the type.</exception>
    public static object Parse(Type type, string text)
    {
        if (type == typeof(string)) return text;
        if (type == typeof(bool)) return bool.Parse(text);
        if (type == typeof(int)) return int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        if (type == typeof(long)) return long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        if (type == typeof(double)) return double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) is var number && double.IsFinite(number) ? number : throw new FormatException();
        // TimeSpan.Parse takes a number alone as days.
        if (type == typeof(TimeSpan)) return text.Contains(':') ? TimeSpan.Parse(text, CultureInfo.InvariantCulture) : throw new FormatException();
        if (type == typeof(Uri)) return Uri.TryCreate(text, UriKind.Absolute, out var uri) && IsHttp(uri) ? uri : throw new FormatException();
        if (type.IsEnum) return ParseEnum(type, text);
        return type == typeof(IDictionary<string, string>) ? ParsePairs(text) : ParseItems(type, text.Split(','));
    }

    /// <exception cref="FormatException">An item is none.</exception>
    public static object ParseItems(Type type, IEnumerable<string?> items)
    {
        var texts = items.Where(i => !string.IsNullOrWhiteSpace(i)).Select(i => i!.Trim()).ToList();
        if (type == typeof(IList<TrustRule>)) return texts.ConvertAll(i => TrustRule.Parse(i));
        return type == typeof(IList<SamplingRule>) ? texts.ConvertAll(i => SamplingRule.Parse(i)) : texts;
    }

    /// <exception cref="FormatException">An item has no key.</exception>
    public static List<KeyValuePair<string, string>> ParsePairs(string text) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(item => item.IndexOf('=') is > 0 and var equals
            ? KeyValuePair.Create(Uri.UnescapeDataString(item[..equals].Trim()), Uri.UnescapeDataString(item[(equals + 1)..].Trim()))
            : throw new FormatException())];

    public static string Format(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        Uri uri => uri.OriginalString,
        IEnumerable<KeyValuePair<string, string>> pairs => string.Join('\n', pairs),
        IEnumerable<object?> items => string.Join(',', items),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    /// <summary>Whether a value is one, whatever its range.</summary>
    public static bool IsValid(Type type, object? value) => value switch
    {
        TimeSpan time => time > TimeSpan.Zero && time <= MaxTime,
        // The text of an undefined value is its number.
        Enum member => member.ToString() is [not '-' and (< '0' or > '9'), ..],
        IList<string> list => !list.Any(string.IsNullOrWhiteSpace),
        IList<TrustRule> rules => !rules.Contains(null!),
        IList<SamplingRule> rules => !rules.Contains(null!),
        IDictionary<string, string> pairs => !pairs.Values.Contains(null!),
        _ => type != typeof(Uri) || IsHttp(value as Uri),
    };

    private static bool IsHttp(Uri? uri) => uri is { IsAbsoluteUri: true } && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);

    // By name only: Enum.Parse takes numbers, and lists of names even where they mean nothing.
    private static object ParseEnum(Type type, string text)
    {
        var names = text.Split(',', StringSplitOptions.TrimEntries);
        var isOne = names.Length == 1 || type.IsDefined(typeof(FlagsAttribute), inherit: false);
        return isOne && names.All(n => Enum.GetNames(type).Contains(n, StringComparer.OrdinalIgnoreCase)) ? Enum.Parse(type, text, ignoreCase: true) : throw new FormatException();
    }
}
