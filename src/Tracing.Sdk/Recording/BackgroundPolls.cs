namespace Tracing.Sdk.Recording;

/// <summary>Roots that libraries make while they wait for work, in which no code of the application runs. The libraries mark them by source and name.</summary>
/// <remarks>A name is here only if that is certain. Where a source's polls cannot be told from work, as those of Npgsql, a rule of the application does it.</remarks>
internal static class BackgroundPolls
{
    // The calls between silos: membership, gossip, load, manifests, directory, balance, cancellation. The same source has reminders and streams, which are work.
    private static readonly string[] OrleansInterfaces =
    [
        "IMembershipTable", "IMembershipTableSystemTarget", "IMembershipService",
        "IDeploymentLoadPublisher",
        "IClusterManifestSystemTarget", "ISiloManifestSystemTarget", "ISiloMetadataSystemTarget",
        "IRemoteGrainDirectory", "IDhtGrainDirectory", "IGrainDirectoryPartition", "IGrainDirectoryClient", "IRemoteClientDirectory",
        "IActivationRepartitionerSystemTarget", "IActivationRebalancerMonitor",
        "IGrainCallCancellationManagerSystemTarget",
    ];

    /// <summary>Whether a root is a poll.</summary>
    /// <param name="source">The name of its source.</param>
    /// <param name="name">Its name when it starts.</param>
    public static bool Contain(string source, string name) => source switch
    {
        // The loop of the scheduler. Jobs are Quartz.Job.Execute, roots of their own.
        "Quartz" => name is "Quartz.JobStore.AcquireNextTriggers" or "Quartz.JobStore.TriggersFired" or "Quartz.JobStore.TriggeredJobComplete" or "Quartz.JobStore.ReleaseAcquiredTrigger",
        // BasicGet of an empty queue; the name of the queue may follow.
        "RabbitMQ.Client.Subscriber" => name.StartsWith("fetch (empty)", StringComparison.Ordinal),
        "Microsoft.Orleans.Runtime" => IsOfOrleans(name),
        _ => false,
    };

    /// <summary>Whether a root is the round of a timer that may be a poll or work: its spans decide.</summary>
    /// <param name="source">The name of its source.</param>
    /// <param name="name">Its name when it starts.</param>
    /// <remarks>The timers of Orleans itself, one round of which a second publishes the load of the silo, have the same name as those of grains.</remarks>
    public static bool IsRound(string source, string name) => source == "Microsoft.Orleans.Runtime" && name == "IGrainTimerInvoker/InvokeCallbackAsync";

    // {interface}/{method}
    private static bool IsOfOrleans(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return false;
        foreach (var candidate in OrleansInterfaces)
        {
            if (name.AsSpan(0, slash).SequenceEqual(candidate)) return true;
        }

        return false;
    }
}
