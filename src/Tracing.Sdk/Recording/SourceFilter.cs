using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Recording;

// In this order:
//   1. Ignore:Sources matches the name                               ignored
//   2. the name is the platform's HTTP server or client, or our own,
//      or that of Grpc.Net.Client, whose span takes the place of
//      that of its HTTP request                                      recorded
//   3. the name is among those left out by default                   recorded only if Sources names it, not by a shorter pattern such as *
//   4. Sources matches the name                                      recorded
/// <summary>Decides by name which ActivitySources are listened to. A <c>*</c> at the end of a pattern matches any rest.</summary>
/// <param name="sources">Patterns of the sources to record beside the platform's.</param>
/// <param name="ignoredSources">Patterns of the sources to ignore.</param>
/// <param name="logger">Gets one line for each source that the two lists leave out. Must not throw: it is called inside the constructor of an ActivitySource.</param>
/// <param name="settingName">Returns the name that the line gives to a setting.</param>
internal sealed class SourceFilter(IReadOnlyList<string> sources, IReadOnlyList<string> ignoredSources, ILogger? logger = null, Func<string, string>? settingName = null)
{
    private const int MaxKnown = 32;
    private const int MaxReported = 32;

    private static readonly string[] LeftOutByDefault =
    [
        // The platform's connection set-up, name resolution and TLS make root spans, linked from the request that waited for them.
        "Experimental.System.Net.*",
        // A second server span of each request that is proxied, with the name proxy.forwarder.
        "Yarp.ReverseProxy",
        // A second client span of each request that a client of Azure sends, around that of the platform.
        "Azure.Core.Http",
    ];

    // The first sources, of which an application has a handful. Read without a lock, and replaced as a whole.
    private (ActivitySource Source, bool IsAccepted)[] _known = [];

    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    /// <summary>As <see cref="Accepts(string)"/>; the answer is kept for each source.</summary>
    public bool Accepts(ActivitySource source)
    {
        foreach (ref readonly var known in Volatile.Read(ref _known).AsSpan())
        {
            if (ReferenceEquals(known.Source, source)) return known.IsAccepted;
        }

        var isAccepted = Accepts(source.Name);
        // When two threads add a source at the same time, one addition may be lost; it is made again later.
        if (_known is { Length: < MaxKnown } all) Volatile.Write(ref _known, [.. all, (source, isAccepted)]);
        return isAccepted;
    }

    public bool Accepts(string name) => Decide(name) == Verdict.Accepted;

    /// <summary>As <see cref="Accepts(string)"/>, for an ActivityListener, which calls it once for each source. Logs a source that the settings leave out.</summary>
    public bool ShouldListenTo(ActivitySource source)
    {
        var verdict = Decide(source.Name);
        if (verdict == Verdict.NotAmongSources) Report(source.Name, nameof(MeshTracingOptions.Sources));
        else if (verdict == Verdict.Ignored) Report(source.Name, "Ignore:Sources");
        return verdict == Verdict.Accepted;
    }

    private Verdict Decide(string name)
    {
        if (name.Length == 0) return Verdict.LeftOutByDefault;
        var platform = SourceNames.PlatformsNameOf(name);
        if (NamePatterns.Match(ignoredSources, name) || NamePatterns.Match(ignoredSources, platform)) return Verdict.Ignored;
        if (platform is SourceNames.HttpServer or SourceNames.HttpClient or SourceNames.GrpcClient) return Verdict.Accepted;
        foreach (var pattern in LeftOutByDefault)
        {
            if (NamePatterns.Match(pattern, name)) return IsNamed(name, pattern) ? Verdict.Accepted : Verdict.LeftOutByDefault;
        }

        return NamePatterns.Match(sources, name) ? Verdict.Accepted : Verdict.NotAmongSources;
    }

    // Whether a pattern of Sources matches the name and is at least as specific as the one that leaves it out.
    private bool IsNamed(string name, string leftOut)
    {
        var prefix = leftOut.AsSpan().TrimEnd('*');
        foreach (var pattern in sources)
        {
            if (pattern.AsSpan().StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && NamePatterns.Match(pattern, name)) return true;
        }

        return false;
    }

    private void Report(string name, string setting)
    {
        if (logger is null) return;
        name = SourceNames.PlatformsNameOf(name);
        lock (_reported)
        {
            if (_reported.Count >= MaxReported || !_reported.Add(name)) return;
        }

        Log.SourceLeftOut(logger, name, settingName?.Invoke(setting) ?? setting);
    }

    private enum Verdict { Accepted, NotAmongSources, Ignored, LeftOutByDefault }
}
