namespace Tracing.Sdk.Logging;

/// <summary>Hides the secrets of an exporter in text that quotes them: its headers, and the user info and query of its endpoint.</summary>
internal sealed class SecretFilter(IReadOnlyList<KeyValuePair<string, string>> headers, Uri endpoint)
{
    // Shorter texts are found in innocent words.
    private const int MinLength = 4;

    // The longest first, so that a secret is hidden before a part of it is. Created when the first failure is described.
    private readonly Lazy<string[]> _secrets = new(
        () => [.. FindIn(headers).Concat(FindIn(endpoint)).Where(s => s.Length >= MinLength).Distinct().OrderByDescending(s => s.Length)],
        LazyThreadSafetyMode.None);

    public string Hide(string text)
    {
        foreach (var secret in _secrets.Value) text = text.Replace(secret, LogText.Hidden, StringComparison.OrdinalIgnoreCase);
        return text;
    }

    // Each value as a whole, and the parts of it that a collector may quote.
    private static IEnumerable<string> FindIn(IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        foreach (var (_, value) in headers)
        {
            yield return value;
            // {scheme} {credentials}: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.2
            var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            foreach (var word in words.Skip(words.Length > 1 ? 1 : 0))
            {
                yield return word;
                if (!words[0].Equals("Basic", StringComparison.OrdinalIgnoreCase)) continue;
                var bytes = new byte[word.Length];
                if (!Convert.TryFromBase64String(word, bytes, out var length)) continue;
                var login = System.Text.Encoding.UTF8.GetString(bytes, 0, length);
                yield return login;
                yield return login[(login.IndexOf(':') + 1)..];
            }
        }
    }

    private static IEnumerable<string> FindIn(Uri endpoint)
    {
        yield return endpoint.UserInfo;
        foreach (var part in endpoint.UserInfo.Split(':')) yield return Uri.UnescapeDataString(part);
        yield return endpoint.Query;
        foreach (var pair in endpoint.Query.TrimStart('?').Split('&'))
        {
            var value = pair[(pair.IndexOf('=') + 1)..];
            yield return value;
            yield return Uri.UnescapeDataString(value);
        }
    }
}
