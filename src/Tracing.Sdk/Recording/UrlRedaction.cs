using System.Collections.Frozen;
using System.Text;
using Tracing.Sdk.Http;

namespace Tracing.Sdk.Recording;

/// <summary>What spans show of URLs. User name, password and fragment are never shown. A query is shown as its listed keys followed by <c>*</c>, which stands for the rest;
/// where everything is shown, the values of keys that are known to hold secrets are replaced by <c>REDACTED</c>.</summary>
/// <remarks>Without options that is the form that the platform writes: <c>https://host/path?*</c>.</remarks>
internal sealed class UrlRedaction
{
    private const string Redacted = "REDACTED";
    private const char Hidden = '*';

    // No known key is longer.
    private const int MaxKeyLength = 64;

    // Of keys in lower case, without separators: access_token, accessToken and access-token are one key.
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> SecretKeys = FrozenSet.Create(
        StringComparer.Ordinal,
        "sig", "key", "code", "auth", "authorization", "oauth", "bearer", "jwt", "assertion", "clientassertion", "idtokenhint", "samlrequest", "samlresponse", "codeverifier",
        "googleaccessid", "keypairid", "sas", "pass", "pw", "pwd", "pin", "otp", "cvv", "cvc", "ssn", "csrf", "xsrf", "ticket", "cookie", "sid", "phpsessid", "session",
        "connectionstring").GetAlternateLookup<ReadOnlySpan<char>>();

    private static readonly string[] SecretEndings =
    [
        "token", "secret", "password", "passwd", "passphrase", "passcode", "signature", "credential", "credentials", "apikey", "accesskey", "accesskeyid", "privatekey",
        "subscriptionkey", "sessionid", "sessionkey",
    ];

    // The platform reads the switch at its first call, which is before it is read here.
    private static readonly Lazy<bool> PlatformShowsAll = new(static () => PlatformSwitch.UriRedactionDisabled.Find() is { IsOn: true });

    private readonly bool _showsAll;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _shownKeys;
    private readonly bool _hidesAll;

    public UrlRedaction(HttpOptions options)
    {
        var keys = options.ShownQueryKeys.ToFrozenSet(StringComparer.Ordinal);
        (_showsAll, _shownKeys) = (options.ShowQuery, keys.GetAlternateLookup<ReadOnlySpan<char>>());
        _hidesAll = !_showsAll && keys.Count == 0;
    }

    /// <summary>Whether the URL is shown as the platform shows it.</summary>
    public bool IsAsPlatform(Uri uri) => uri.Query.Length <= 1 ? !PlatformShowsAll.Value : _hidesAll && !PlatformShowsAll.Value;

    public string ShowUrl(Uri uri)
    {
        if (uri.UserInfo.Length == 0 && uri.Query.Length <= 1) return uri.Fragment.Length == 0 ? uri.AbsoluteUri : uri.GetLeftPart(UriPartial.Query);
        var url = uri.AbsoluteUri;
        var text = new StringBuilder(url.Length + 16).Append(uri.Scheme).Append(':');
        // Some schemes, such as mailto and urn, have no slashes.
        if (url.AsSpan(text.Length).StartsWith("//")) text.Append("//");
        text.Append(uri.Authority).Append(uri.AbsolutePath);
        if (uri.Query.Length > 1) AppendQuery(text.Append('?'), uri.Query.AsSpan(1));
        return text.ToString();
    }

    /// <summary>A query with or without its question mark; the result has none.</summary>
    public string ShowQuery(ReadOnlySpan<char> query)
    {
        if (_hidesAll) return "*";
        query = query.TrimStart('?');
        // A client that is not careful sends it.
        if (query.IndexOf('#') is >= 0 and var fragment) query = query[..fragment];
        var text = new StringBuilder(query.Length + 8);
        AppendQuery(text, query);
        return text.ToString();
    }

    private void AppendQuery(StringBuilder text, ReadOnlySpan<char> query)
    {
        if (_hidesAll)
        {
            text.Append(Hidden);
            return;
        }

        var isRestHidden = false;
        var start = text.Length;
        // Some frameworks take a semicolon for a separator too.
        foreach (var range in query.SplitAny('&', ';'))
        {
            var pair = query[range];
            var equals = pair.IndexOf('=');
            var key = Decode(equals < 0 ? pair : pair[..equals]);
            var isShown = _shownKeys.Contains(key);
            if (!isShown && !_showsAll)
            {
                isRestHidden = true;
                continue;
            }

            if (text.Length > start) text.Append(isRestHidden ? '&' : query[range.Start.Value - 1]);
            if (!isShown && equals >= 0 && IsSecret(key)) text.Append(pair[..(equals + 1)]).Append(Redacted);
            else text.Append(pair);
        }

        if (!isRestHidden) return;
        if (text.Length > start) text.Append('&');
        text.Append(Hidden);
    }

    // A receiver decodes the key: %73ig is sig.
    private static ReadOnlySpan<char> Decode(ReadOnlySpan<char> key) => key.ContainsAny('%', '+') ? Uri.UnescapeDataString(key.ToString().Replace('+', ' ')) : key;

    private static bool IsSecret(ReadOnlySpan<char> key)
    {
        Span<char> normal = stackalloc char[MaxKeyLength];
        var length = 0;
        foreach (var c in key)
        {
            if (!char.IsAsciiLetterOrDigit(c)) continue;
            // Text of this length is not the name of a parameter.
            if (length == MaxKeyLength) return true;
            normal[length++] = char.ToLowerInvariant(c);
        }

        // Of several values: password2, password[0].
        normal = normal[..length].TrimEnd("0123456789");
        if (SecretKeys.Contains(normal)) return true;
        foreach (var ending in SecretEndings)
        {
            if (normal.EndsWith(ending)) return true;
        }

        return false;
    }
}
