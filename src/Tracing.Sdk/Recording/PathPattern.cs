namespace Tracing.Sdk.Recording;

/// <summary>A path in which <c>*</c> stands for any characters, slashes among them. Letter case does not count.</summary>
/// <param name="pattern">The text; it begins with a slash or with <c>*</c>.</param>
internal sealed class PathPattern(string pattern)
{
    private readonly bool _isExact = !pattern.Contains('*');

    // The usual pattern with one * at its end.
    private readonly bool _isPrefix = pattern.IndexOf('*') == pattern.Length - 1;

    public static bool IsPattern(string? text) => text is ['/' or '*', ..] && !text.AsSpan().ContainsAny(' ', '?', '#');

    public bool Matches(ReadOnlySpan<char> path)
    {
        if (_isExact) return path.Equals(pattern, StringComparison.OrdinalIgnoreCase);
        if (_isPrefix) return path.StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.OrdinalIgnoreCase);

        // After a mismatch the last * takes one character more; those before it keep what they have, because a longer match of theirs never helps.
        var (p, star, resume) = (0, -1, 0);
        for (var i = 0; i < path.Length;)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                (star, resume) = (p++, i);
            }
            else if (p < pattern.Length && char.ToUpperInvariant(pattern[p]) == char.ToUpperInvariant(path[i]))
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
