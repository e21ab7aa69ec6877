namespace Tracing.Sdk.Recording;

/// <summary>A text in which <c>*</c> stands for any characters, slashes and dots among them: the path, the host or a header of a request, the name of a source or a span. Letter case
/// does not count.</summary>
/// <remarks>Any thread. Matching allocates nothing.</remarks>
/// <param name="pattern">The text.</param>
internal sealed class WildcardPattern(string pattern)
{
    private readonly bool _isExact = !pattern.Contains('*');

    // The usual pattern with one * at its end.
    private readonly bool _isPrefix = pattern.IndexOf('*') == pattern.Length - 1;

    /// <summary>Whether a text can match paths: it begins with a slash or with <c>*</c>, and has no query.</summary>
    public static bool IsPathPattern(string? pattern) => pattern is ['/' or '*', ..] && !pattern.AsSpan().ContainsAny(' ', '?', '#');

    public bool Matches(ReadOnlySpan<char> text)
    {
        if (_isExact) return text.Equals(pattern, StringComparison.OrdinalIgnoreCase);
        if (_isPrefix) return text.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.OrdinalIgnoreCase);

        // After a mismatch the last * takes one character more; those before it keep what they have, because a longer match of theirs never helps.
        var (p, star, resume) = (0, -1, 0);
        for (var i = 0; i < text.Length;)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, resume) = (p++, i);
            }
            else if (p < pattern.Length && char.ToUpperInvariant(pattern[p]) == char.ToUpperInvariant(text[i]))
            {
                p++;
                i++;
            }
            else if (star >= 0)
            {
                (p, i) = (star + 1, ++resume);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).Trim('*').IsEmpty;
    }

    public override string ToString() => pattern;
}
