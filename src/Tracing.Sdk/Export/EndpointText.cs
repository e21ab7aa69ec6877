namespace Tracing.Sdk.Export;

/// <summary>Formats a URL for a log: scheme, host, port and path. User info, query and fragment may hold secrets and are left out.</summary>
internal static class EndpointText
{
    public static string Format(Uri uri) => uri.IsAbsoluteUri
        ? Format(uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped))
        : Format(uri.OriginalString);

    /// <summary>The same for text that may be no URL at all, such as <c>user:password@host</c> without a scheme.</summary>
    public static string Format(string text)
    {
        var end = text.AsSpan().IndexOfAny('?', '#');
        if (end >= 0) text = text[..end];
        var start = text.IndexOf("//", StringComparison.Ordinal) is >= 0 and var slashes ? slashes + 2 : 0;
        // A password may hold a slash that should have been encoded, so the last @ of the whole text counts.
        var at = text.LastIndexOf('@');
        return at < start ? text : text.Remove(start, at + 1 - start);
    }
}
