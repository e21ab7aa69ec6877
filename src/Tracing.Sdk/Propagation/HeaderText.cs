namespace Tracing.Sdk.Propagation;

/// <summary>What the grammars of all headers have in common.</summary>
internal static class HeaderText
{
    // OWS of RFC 9110 5.6.3 is SP and HTAB and nothing else: string.Trim() would also take U+00A0.
    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> value)
    {
        if (!value.IsEmpty && value[0] > ' ' && value[^1] > ' ') return value;
        var start = value.IndexOfAnyExcept(' ', '\t');
        return start < 0 ? default : value[start..(value.LastIndexOfAnyExcept(' ', '\t') + 1)];
    }

    /// <summary>Whether a value may be sent: visible ASCII and blanks. Any other character could split a header or make the call fail.</summary>
    public static bool IsSafe(ReadOnlySpan<char> value) => !value.ContainsAnyExceptInRange(' ', '~');
}
