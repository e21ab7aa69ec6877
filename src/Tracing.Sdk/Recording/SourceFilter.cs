using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

/// <summary>Which ActivitySources are listened to, by name; <c>*</c> at the end of a pattern stands for any rest.</summary>
internal sealed class SourceFilter(IReadOnlyList<string> sources, IReadOnlyList<string> ignoredSources)
{
    public bool Accepts(string name) => name.Length > 0 && NamePatterns.Match(sources, name) && !NamePatterns.Match(ignoredSources, name);
}
