namespace Tracing.Sdk.Propagation;

/// <summary>The few things that every header grammar shares.</summary>
internal static class HeaderText
{
    // OWS of RFC 9110 5.6.3 is SP and HTAB and nothing else: string.Trim() would also take U+00A0.
    private const string OptionalWhitespace = " \t";

    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> value) =>
        value.IsEmpty || (value[0] > ' ' && value[^1] > ' ') ? value : value.Trim(OptionalWhitespace);

    /// <summary>Whether a value may go on the wire: visible ASCII and blanks. Anything else would split a header or fail the user's call.</summary>
    public static bool IsSafe(ReadOnlySpan<char> value) => !value.ContainsAnyExceptInRange(' ', '~');
}
