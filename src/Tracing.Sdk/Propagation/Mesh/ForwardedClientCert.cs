using Microsoft.Extensions.Primitives;

namespace Tracing.Sdk.Propagation.Mesh;

// x-forwarded-client-cert (several fields are one list; each proxy appends one element, so the last names the peer):
//   list    = element *( "," element )
//   element = pair *( ";" pair )
//   pair    = OWS key "=" ( quoted OWS / raw )
//   quoted  = DQUOTE *( "\" any / other than DQUOTE and "\" ) DQUOTE
//   raw     = *( other than DQUOTE, "," and ";" )            a backslash stands for itself
// Envoy 1.40 quotes Subject, Cert and Chain. The subject is in the form of RFC 2253, where a backslash escapes the character that follows
// it. By, Hash, URI and DNS are raw: a name with a comma or a semicolon cannot be distinguished from the next pair or element, so an identity
// is only as trustworthy as the certificate authority that issues the names. SPIFFE allows neither character.
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
internal static class ForwardedClientCert
{
    public const string HeaderName = "x-forwarded-client-cert";

    /// <summary>Characters of a header that is read; Kestrel takes no more than this for all headers together.</summary>
    public const int MaxLength = 32 * 1024;

    /// <summary>Reads the peer's URI: that of the last element. Linear; never throws.</summary>
    /// <param name="fields">The header, each field apart.</param>
    /// <param name="uri">The URI; empty when there is no header or the last element names none.</param>
    /// <returns>Whether the header can be read. A last element with two URIs names no single peer and makes the header unreadable.</returns>
    public static bool TryReadPeer(StringValues fields, out ReadOnlySpan<char> uri)
    {
        uri = default;
        if (fields.Count == 0 || (fields.Count == 1 && HeaderText.Trim(fields[0]).IsEmpty)) return true;
        var length = 0;
        foreach (var field in fields)
        {
            length += field?.Length ?? 0;
            if (length > MaxLength || !TryReadField(field, out uri)) return false;
        }

        return true;
    }

    private static bool TryReadField(ReadOnlySpan<char> text, out ReadOnlySpan<char> uri)
    {
        uri = default;
        var uris = 0;
        var at = 0;
        while (TryReadPair(text, ref at, out var key, out var value, out var isEscaped))
        {
            if (key.Equals("URI", StringComparison.OrdinalIgnoreCase))
            {
                uris++;
                uri = isEscaped ? Unescape(value) : value;
            }

            if (at == text.Length) return uris <= 1;
            if (text[at++] != ',') continue;
            uri = default;
            uris = 0;
        }

        return false;
    }

    // Stops at the separator, or at the end.
    private static bool TryReadPair(ReadOnlySpan<char> text, scoped ref int at, out ReadOnlySpan<char> key, out ReadOnlySpan<char> value, out bool isEscaped)
    {
        key = value = default;
        isEscaped = false;
        SkipBlanks(text, ref at);
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '-' or '_')) at++;
        if (at == start || at == text.Length || text[at] != '=') return false;
        key = text[start..at++];

        start = at;
        if (at == text.Length || text[at] != '"')
        {
            var length = text[at..].IndexOfAny(',', ';', '"');
            at = length < 0 ? text.Length : at + length;
            value = text[start..at];
            return at == text.Length || text[at] != '"';
        }

        while (++at < text.Length && text[at] != '"')
        {
            if (text[at] != '\\') continue;
            isEscaped = true;
            at++;
        }

        if (at >= text.Length) return false;
        value = text[(start + 1)..at++];
        SkipBlanks(text, ref at);
        return at == text.Length || text[at] is ',' or ';';
    }

    private static void SkipBlanks(ReadOnlySpan<char> text, ref int at)
    {
        while (at < text.Length && text[at] is ' ' or '\t') at++;
    }

    private static string Unescape(ReadOnlySpan<char> value)
    {
        var text = new char[value.Length];
        var length = 0;
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '\\') i++;
            text[length++] = value[i];
        }

        return new string(text, 0, length);
    }
}
