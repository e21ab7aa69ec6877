using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Which ActivitySources are listened to, by name; <c>*</c> at the end of a pattern stands for any rest.</summary>
internal sealed class SourceFilter(IReadOnlyList<string> sources, IReadOnlyList<string> ignoredSources)
{
    public bool Accepts(string name)
    {
        if (name.Length == 0) return false;
        var platform = PlatformsNameOf(name);
        return (NamePatterns.Match(sources, name) || NamePatterns.Match(sources, platform))
            && !NamePatterns.Match(ignoredSources, name)
            && !NamePatterns.Match(ignoredSources, platform);
    }

    // Where the platform cannot make a span we make one in its place, and what is said of the platform's holds for ours.
    private static string PlatformsNameOf(string name) => name switch
    {
        "Tracing.Sdk.Http" => "System.Net.Http",
        "Tracing.Sdk.AspNetCore" => "Microsoft.AspNetCore",
        _ => name,
    };
}
