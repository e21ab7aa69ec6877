using System.Collections.Frozen;
using System.Text;

namespace Tracing.Sdk.Http;

/// <summary>
/// Removes secrets from URLs: user name and password, and the values of query keys that are known to hold signatures or credentials.
/// The keys are kept, because they help to recognise the call.
/// <see href="https://opentelemetry.io/docs/specs/semconv/http/http-spans/"/>
/// </summary>
internal static class UrlRedaction
{
    private const string Redacted = "REDACTED";

    private static readonly FrozenSet<string> SecretKeys = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature",
        "code", "id_token", "access_token", "refresh_token", "token", "client_secret", "api_key", "apikey", "key", "password", "secret");

    public static string RedactUrl(Uri uri)
    {
        if (uri.UserInfo.Length == 0 && uri.Query.Length == 0) return uri.Fragment.Length == 0 ? uri.AbsoluteUri : uri.GetLeftPart(UriPartial.Path);
        var url = uri.AbsoluteUri;
        var text = new StringBuilder(url.Length + 16).Append(uri.Scheme).Append(':');
        // Some schemes, such as mailto and urn, have no slashes.
        if (url.AsSpan(text.Length).StartsWith("//")) text.Append("//");
        if (uri.UserInfo.Length > 0) text.Append(Redacted).Append(':').Append(Redacted).Append('@');
        text.Append(uri.Authority).Append(uri.AbsolutePath);
        if (uri.Query.Length > 1) AppendQuery(text.Append('?'), uri.Query.AsSpan(1));
        return text.ToString();
    }

    /// <summary>Redacts a query, with or without its question mark; the result has none.</summary>
    public static string RedactQuery(ReadOnlySpan<char> query)
    {
        query = query.TrimStart('?');
        var text = new StringBuilder(query.Length + 8);
        AppendQuery(text, query);
        return text.ToString();
    }

    private static void AppendQuery(StringBuilder text, ReadOnlySpan<char> query)
    {
        while (true)
        {
            var end = query.IndexOf('&');
            var pair = end < 0 ? query : query[..end];
            var equals = pair.IndexOf('=');
            if (equals > 0 && IsSecret(pair[..equals])) text.Append(pair[..(equals + 1)]).Append(Redacted);
            else text.Append(pair);
            if (end < 0) return;
            text.Append('&');
            query = query[(end + 1)..];
        }
    }

    // A receiver decodes the key: %73ig is sig.
    private static bool IsSecret(ReadOnlySpan<char> key) =>
        SecretKeys.GetAlternateLookup<ReadOnlySpan<char>>().Contains(key.Contains('%') ? Uri.UnescapeDataString(key) : key);
}
