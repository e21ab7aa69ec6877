using System.Globalization;
using System.Text;

namespace Tracing.Sdk.Logging;

/// <summary>Values as log lines and error sentences show them: without secrets, on one line, of a bounded length.</summary>
internal static class ShownText
{
    public const string Hidden = "(hidden)";

    private const int MaxLength = 200;

    // A key that contains one of these, separators left out, has a secret as its value.
    private static readonly string[] SecretWords =
        ["secret", "token", "password", "passwd", "pwd", "credential", "authorization", "apikey", "accesskey", "privatekey", "connectionstring"];

    /// <summary>Any text: a URL in it loses user info and query, also where it has no scheme.</summary>
    public static string Value(string text) => Line(WithoutUserInfoAndQuery(text));

    /// <summary>The path of a file. A certificate or a key that was given in its place is hidden.</summary>
    public static string File(string text) => text.Length > 255 || text.Contains("-----", StringComparison.Ordinal) || text.Contains('\n') ? Hidden : Line(text);

    /// <summary>The text of <c>key=value,key=value</c>, right or wrong: values of keys that announce a secret are hidden.</summary>
    public static string Pairs(string text)
    {
        var shown = new List<string>();
        var isSecret = false;
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = item.IndexOf('=');
            // What follows a comma without a key may be the rest of the value before it.
            if (equals < 0 && isSecret) continue;
            isSecret = equals >= 0 && IsSecret(item[..equals]);
            shown.Add(equals < 0 ? UrlsOnly(item) : Pair(item[..equals], item[(equals + 1)..]));
        }

        return Line(string.Join(',', shown));
    }

    /// <summary>One pair as in <see cref="Pairs"/>.</summary>
    public static string Pair(string key, string? value) => $"{key}={(IsSecret(key) ? Hidden : UrlsOnly(value ?? ""))}";

    /// <summary>Scheme, host, port and path.</summary>
    public static string Url(Uri? uri) => uri switch
    {
        null => "",
        _ when IsPlain(uri) => Line(uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.SafeUnescaped)),
        _ => Value(uri.OriginalString),
    };

    /// <summary>The text on one line, cut where it is long.</summary>
    public static string Line(string text)
    {
        var isCut = text.Length > MaxLength;
        if (isCut) text = text[..MaxLength];
        if (text.Any(BreaksLines))
        {
            var line = new StringBuilder(text);
            for (var i = 0; i < line.Length; i++)
            {
                if (BreaksLines(line[i])) line[i] = ' ';
            }

            text = line.ToString();
        }

        return isCut ? text + "..." : text;
    }

    // Format characters turn the direction of what follows, or hide it.
    private static bool BreaksLines(char c) => char.IsControl(c)
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
