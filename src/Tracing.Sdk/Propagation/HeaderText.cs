namespace Tracing.Sdk.Propagation;

/// <summary>The few things that every header grammar shares.</summary>
internal static class HeaderText
{
    // OWS of RFC 9110 5.6.3 is SP and HTAB and nothing else: string.Trim() would also take U+00A0.
    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> value)
    {
        if (!value.IsEmpty && value[0] > ' ' && value[^1] > ' ') return value;
        var start = value.IndexOfAnyExcept(' ', '\t');
        return start < 0 ? default : value[start..(value.LastIndexOfAnyExcept(' ', '\t') + 1)];
    }

    /// <summary>Whether a value may go on the wire: visible ASCII and blanks. Anything else would split a header or fail the user's call.</summary>
    public static bool IsSafe(ReadOnlySpan<char> value) => !value.ContainsAnyExceptInRange(' ', '~');
}
