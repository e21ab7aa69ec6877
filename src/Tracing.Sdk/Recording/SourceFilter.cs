namespace Tracing.Sdk.Recording;

/// <summary>Which ActivitySources are listened to, by name; <c>*</c> at the end of a pattern stands for any rest.</summary>
internal sealed class SourceFilter(IReadOnlyList<string> sources, IReadOnlyList<string> ignoredSources)
{
    public bool Accepts(string name) => name.Length > 0 && Matches(sources, name) && !Matches(ignoredSources, name);

    private static bool Matches(IReadOnlyList<string> patterns, string name)
    {
        for (var i = 0; i < patterns.Count; i++)
        {
            var pattern = patterns[i];
            if (pattern.EndsWith('*')
                ? name.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.OrdinalIgnoreCase)
                : name.Equals(pattern, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
