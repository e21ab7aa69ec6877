using System.Collections.Concurrent;
using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>Tells whether another <see cref="ActivityListener"/> in the process hears a source. A probe is an <see cref="ActivitySource"/> of the same name that this
/// library's own listeners refuse, so it has listeners only if another one listens.</summary>
internal static class OtherListeners
{
    // Identifies a probe. References cannot be compared: listeners are called for a new source before the field that holds it is assigned.
    private const string ProbeVersion = "tracing.sdk.probe";

    private static readonly ActivitySource Requests = new(SourceNames.HttpServer, ProbeVersion);
    private static readonly ActivitySource Calls = new(SourceNames.HttpClient, ProbeVersion);
    private static readonly ActivitySource[] GrpcCalls = [new(SourceNames.GrpcClient, ProbeVersion), new(SourceNames.OpenTelemetryGrpcClient, ProbeVersion)];
    private static readonly ConcurrentDictionary<string, ActivitySource> Probes = new(StringComparer.Ordinal) { [Requests.Name] = Requests };
    private static ActivitySource _lastProbe = Requests;

    /// <summary>Whether another listener hears requests, calls or calls of gRPC.</summary>
    public static bool HearTraffic => HearRequests || HearCalls || HearGrpcCalls;

    /// <summary>Whether another listener hears requests.</summary>
    public static bool HearRequests => Requests.HasListeners();

    /// <summary>Whether another listener hears calls.</summary>
    public static bool HearCalls => Calls.HasListeners();

    /// <summary>Whether another listener hears calls of Grpc.Net.Client.</summary>
    public static bool HearGrpcCalls => Array.Exists(GrpcCalls, static probe => probe.HasListeners());

    /// <summary>Whether another listener hears a source. Cheap for the source that was asked about last.</summary>
    /// <param name="source">A source of requests: a probe is kept for each name.</param>
    public static bool Hear(ActivitySource source)
    {
        var probe = Volatile.Read(ref _lastProbe);
        if (probe.Name != source.Name)
        {
            probe = Probes.GetOrAdd(source.Name, static name => new ActivitySource(name, ProbeVersion));
            Volatile.Write(ref _lastProbe, probe);
        }

        return probe.HasListeners();
    }

    /// <summary>Whether another listener hears sources of a name. For names that are asked about once.</summary>
    public static bool Hear(string name)
    {
        using var probe = new ActivitySource(name, ProbeVersion);
        return probe.HasListeners();
    }

    /// <summary>Whether a source is one of the probes, which must not be listened to.</summary>
    public static bool IsProbe(ActivitySource source) => source.Version == ProbeVersion;

    /// <summary>The names of all sources with listeners, except one. While this library records nothing, these are listeners of other code.</summary>
    public static IReadOnlyList<string> FindHeardSources(ActivitySource? except)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        // A listener that is added is called for every source of the process, before the fields of this class are assigned: it uses constants only.
        using var listener = new ActivityListener
        {
            ShouldListenTo = source =>
            {
                // This library may listen to requests and calls, but never to their probes.
                var isOurs = source == except || (source.Name is SourceNames.HttpServer or SourceNames.HttpClient && !IsProbe(source));
                if (!isOurs && source.Name.Length > 0 && source.HasListeners()) names.Add(source.Name);
                return false;
            },
        };
        ActivitySource.AddActivityListener(listener);
        return [.. names];
    }
}
