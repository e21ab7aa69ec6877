using System.Globalization;

namespace Tracing.Sdk.Logging;

/// <summary>Formats values for log lines and error messages: without secrets, on one line, with a bounded length.</summary>
internal static class LogText
{
    public const string Hidden = "(hidden)";

    private const int MaxLength = 200;
    private const int MaxMessageLength = 500;

    // The value of a key that contains one of these words, without its separators, is a secret.
    private static readonly string[] SecretWords =
        ["secret", "token", "password", "passwd", "pwd", "credential", "authorization", "apikey", "accesskey", "privatekey", "connectionstring"];

    /// <summary>Formats any text. A URL loses its user info and query, also when it has no scheme.</summary>
    public static string Value(string text) => Line(WithoutUserInfoAndQuery(text));

    /// <summary>Formats the path of a file. A certificate or a key that was given in place of a path is hidden.</summary>
    public static string File(string text) => text.Length > 255 || text.Contains("-----", StringComparison.Ordinal) || text.Contains('\n') ? Hidden : Line(text);

    /// <summary>Formats <c>key=value,key=value</c>, also when it is malformed. The values of keys that announce a secret are hidden.</summary>
    public static string Pairs(string text)
    {
        var shown = new List<string>();
        var isSecret = false;
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = item.IndexOf('=');
            // An item without a key may be the rest of the value before it.
            if (equals < 0 && isSecret) continue;
            isSecret = equals >= 0 && IsSecret(item[..equals]);
            shown.Add(equals < 0 ? UrlsOnly(item) : Pair(item[..equals], item[(equals + 1)..]));
        }

        return Line(string.Join(',', shown));
    }

    /// <summary>Formats one pair, as <see cref="Pairs"/> does.</summary>
    public static string Pair(string key, string? value) => $"{key}={(IsSecret(key) ? Hidden : UrlsOnly(value ?? ""))}";

    /// <summary>Formats scheme, host, port and path of a URL.</summary>
    public static string Url(Uri? uri) => uri switch
    {
        null => "",
        _ when IsPlain(uri) => Line(uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.SafeUnescaped)),
        _ => Value(uri.OriginalString),
    };

    /// <summary>Formats a message of another program, such as a collector or an operating system.</summary>
    public static string Message(string text) => Line(text, MaxMessageLength);

    /// <summary>Formats a list within a sentence: <c>a, b and c</c>.</summary>
    public static string And(IReadOnlyList<string> items) => items.Count < 2 ? string.Concat(items) : $"{string.Join(", ", items.SkipLast(1))} and {items[^1]}";

    /// <summary>Formats a text on one line and cuts it when it is long.</summary>
    public static string Line(string text, int maxLength = MaxLength)
    {
        var isCut = text.Length > maxLength;
        if (isCut) text = text[..maxLength];
        if (text.Any(BreaksLine))
        {
            text = string.Create(text.Length, text, static (line, text) =>
            {
                for (var i = 0; i < line.Length; i++) line[i] = BreaksLine(text[i]) ? ' ' : text[i];
            });
        }

        return isCut ? text + "..." : text;
    }

    /// <summary>Formats a count with its noun: "1 span", "2 spans".</summary>
    public static string Count(long count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");

    // Format characters change the direction of the text after them, or hide it.
    private static bool BreaksLine(char c) => char.IsControl(c)
        || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format;

    private static bool IsSecret(string key)
    {
        var letters = string.Concat(key.Where(char.IsAsciiLetterOrDigit));
        return Array.Exists(SecretWords, word => letters.Contains(word, StringComparison.OrdinalIgnoreCase));
    }

    // Other schemes may have no query, and a question mark in their path. An @ in the path may end a password with a slash in it.
    private static bool IsPlain(Uri uri) =>
        uri.IsAbsoluteUri && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && !uri.AbsolutePath.Contains('@');

    // The value of an attribute may be an e-mail address or a question.
    private static string UrlsOnly(string text) => text.Contains("://", StringComparison.Ordinal) ? WithoutUserInfoAndQuery(text) : text;

    private static string WithoutUserInfoAndQuery(string text)
    {
        if (text.AsSpan().IndexOfAny('@', '?', '#') < 0) return text;
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && IsPlain(uri)) return Url(uri);

        // Not a URL that can be parsed: the last @ is taken as the end of the user info, because a password may contain the other delimiters.
        var at = text.LastIndexOf('@');
        if (at >= 0)
        {
            var scheme = text.IndexOf("://", 0, at, StringComparison.Ordinal);
            var start = scheme < 0 ? 0 : scheme + 3;
            text = text.Remove(start, at + 1 - start);
        }

        var query = text.AsSpan().IndexOfAny('?', '#');
        return query < 0 ? text : text[..query];
    }
}
