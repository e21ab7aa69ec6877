using System.Diagnostics;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Which ActivitySources are listened to, by name; <c>*</c> at the end of a pattern stands for any rest.</summary>
internal sealed class SourceFilter(IReadOnlyList<string> sources, IReadOnlyList<string> ignoredSources)
{
    private const int MaxKnown = 32;

    // The sources asked about first: an application has a handful. Replaced as a whole, read without a lock.
    private (ActivitySource Source, bool IsAccepted)[] _known = [];

    /// <summary>The same as by name, for who asks again and again.</summary>
    public bool Accepts(ActivitySource source)
    {
        foreach (ref readonly var known in Volatile.Read(ref _known).AsSpan())
        {
            if (ReferenceEquals(known.Source, source)) return known.IsAccepted;
        }

        var isAccepted = Accepts(source.Name);
        // Of two threads that learn at once one may have to learn again.
        if (_known is { Length: < MaxKnown } all) Volatile.Write(ref _known, [.. all, (source, isAccepted)]);
        return isAccepted;
    }

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
