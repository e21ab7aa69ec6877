namespace Tracing.Sdk.Propagation;

/// <summary>Lists of names in which <c>*</c> at the end stands for any rest. Letter case does not count.</summary>
internal static class NamePatterns
{
    public static bool Match(IReadOnlyList<string> patterns, string name)
    {
        for (var i = 0; i < patterns.Count; i++)
        {
            if (Match(patterns[i], name)) return true;
        }

        return false;
    }

    public static bool Match(string pattern, string name) => pattern.EndsWith('*')
        ? name.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.OrdinalIgnoreCase)
        : name.Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
